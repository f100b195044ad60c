//! Thumbnails of uploaded images (protocol section 7).

use std::io::Cursor;

use bytes::Bytes;
use image::{ImageFormat, ImageReader, Limits};

/// An image of at most so many bytes is its own thumbnail.
const SMALL: usize = 10 << 10;
/// Bytes that decoding an image may take; a larger image is its own thumbnail.
const DECODED_BYTES: u64 = 256 << 20;

/// The image scaled down so that it fits; what is no image of a known format, or fits already, is its own thumbnail.
pub(super) fn thumbnail(bytes: Bytes, fitting: (u32, u32)) -> Bytes {
    if bytes.len() <= SMALL { bytes } else { scaled(&bytes, fitting).unwrap_or(bytes) }
}

fn scaled(bytes: &[u8], (width, height): (u32, u32)) -> Option<Bytes> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let format = reader.format().filter(|format| [ImageFormat::Jpeg, ImageFormat::Png].contains(format))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_BYTES);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    if image.width() <= width && image.height() <= height {
        return None;
    }
    let mut packed = Cursor::new(Vec::new());
    image.thumbnail(width, height).write_to(&mut packed, format).ok()?;
    Some(packed.into_inner().into())
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;

    /// An image that packs badly.
    fn packed(width: u32, height: u32, format: ImageFormat) -> Bytes {
        let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_be_bytes();
        let image =
            RgbImage::from_fn(width, height, |x, y| image::Rgb([noise(x, y)[0], noise(y, x)[1], noise(x, y)[2]]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
        bytes.into_inner().into()
    }

    #[test]
    fn a_large_image_is_scaled_in_its_own_format() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let bytes = packed(400, 200, format);
            assert!(bytes.len() > SMALL);
            let small = thumbnail(bytes, (170, 170));
            assert_eq!(image::guess_format(&small).unwrap(), format);
            let image = image::load_from_memory(&small).unwrap();
            assert_eq!((image.width(), image.height()), (170, 85));
        }
    }

    #[test]
    fn what_need_not_or_cannot_be_scaled_stays() {
        let tiny = packed(40, 40, ImageFormat::Png);
        let (fits, large) = (packed(160, 160, ImageFormat::Png), packed(400, 400, ImageFormat::Png));
        assert!(tiny.len() <= SMALL && fits.len() > SMALL);
        for bytes in [tiny, fits, large.slice(..large.len() / 2), Bytes::from(vec![b'x'; SMALL + 1])] {
            assert!(thumbnail(bytes.clone(), (170, 170)) == bytes, "{}", bytes.len());
        }
        assert!(thumbnail(large.clone(), (170, 170)).len() < large.len());
    }
}
