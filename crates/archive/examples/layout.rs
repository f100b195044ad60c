//! Measures what the layout of a file costs: its size, the time to write it, and what is read to show one message.
//!
//! `cargo run --release -p annals-archive --example layout -- 200000 text.txt` writes so many messages, whose texts are
//! the lines of the file, with pages of several sizes.
#![expect(clippy::print_stdout, reason = "an example speaks to the one who runs it")]

use std::borrow::Cow;
use std::error::Error;
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use archive::{Key, Projection, Settings, Writer, find_ids, read_keys};
use bytes::Bytes;
use chat::{BodyType, Hour, Message, Position, Sink as _, Timestamp};
use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().ok_or("how many messages?")?.parse()?;
    let texts = std::fs::read_to_string(arguments.next().ok_or("which file of texts?")?)?;
    let texts: Vec<_> = texts.lines().filter(|line| !line.is_empty()).collect();
    println!("{:>10} {:>12} {:>8} {:>12} {:>12}", "page rows", "file bytes", "seconds", "by key", "by id");
    for page_rows in [512, 1_024, 2_048, 4_096, 8_192, 20_000] {
        measure(count, &texts, Settings { page_rows, ..Settings::default() })?;
    }
    Ok(())
}

fn measure(count: u64, texts: &[&str], settings: Settings) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let mut writer = Writer::new(Vec::new(), tempfile::tempfile, settings)?;
    let mut batch = Vec::with_capacity(1_000);
    for index in 0..count {
        batch.push(message(index, count, texts));
        if batch.len() == 1_000 {
            writer.write(&batch)?;
            batch.clear();
        }
    }
    writer.write(&batch)?;
    let file = writer.finish()?.out;
    let seconds = begin.elapsed().as_secs_f64();
    let (size, reader) = (file.len(), Reader { file: file.into(), read: Arc::default() });
    let sought = message(count / 3, count, texts);
    let Position { source_hour, part, line } = sought.position;
    let key = Key { source_hour, sent_at: sought.sent_at, part, line };
    block_on(read_keys(reader.clone(), &[key], Projection::All))?;
    let by_key = reader.read.swap(0, Ordering::Relaxed);
    block_on(find_ids(reader.clone(), &[sought.msg_id.as_deref().unwrap_or_default()]))?;
    let by_id = reader.read.swap(0, Ordering::Relaxed);
    println!("{:>10} {size:>12} {seconds:>8.2} {by_key:>12} {by_id:>12}", settings.page_rows);
    Ok(())
}

/// One of an hour's messages: users as uneven as people are, a fifth of them with an attached image.
fn message<'a>(index: u64, count: u64, texts: &[&'a str]) -> Message<'a> {
    let noise = index.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xD1B5_4A32_D192_ED03);
    let user = |noise: u64| (noise % 60_000).isqrt().pow(2) / 7;
    let since = index * 3_600_000 / count;
    let hour = Hour::from_number(492_633);
    let mut message = Message::at(Position { source_hour: hour, part: 0, line: index + 1 });
    let (sender, group) = (format!("user_{}", user(noise)), format!("23190441{:07}", user(noise >> 8)));
    let id = (351_000_000 + since / 1_000) << 32 | (since % 1_000) << 22 | noise & 0x3F_FFFF;
    message.msg_id = Some(Cow::Owned(id.to_string()));
    message.sent_at = i64::try_from(since)
        .ok()
        .and_then(|since| Timestamp::from_timestamp_millis(hour.start().timestamp_millis() + since));
    message.chat_type = Some(Cow::Borrowed("groupchat"));
    message.conversation = Some(Cow::Owned(format!("groupchat:{group}")));
    message.sender = Some(Cow::Owned(sender));
    message.recipient = Some(Cow::Owned(group));
    message.direction = Some(Cow::Borrowed("outgoing"));
    message.ext = Some(Cow::Owned(format!(r#"{{"seq":{index},"locale":"zh-CN","trace":"{noise:016x}"}}"#)));
    if noise.is_multiple_of(5) {
        message.body_type = Some(BodyType::Img);
        message.filename = Some(Cow::Owned(format!("IMG_{}.jpg", noise >> 44)));
        message.file_length = Some(i64::from(u32::try_from(noise >> 44).unwrap_or(0)));
        message.url = Some(Cow::Owned(format!("https://a1.easemob.com/harbor/lantern/chatfiles/{noise:032x}")));
        message.secret = Some(Cow::Owned(format!("{:x}", noise.rotate_left(17))));
    } else {
        let text = usize::try_from(noise % 1_000_003).unwrap_or(0) % texts.len();
        message.body_type = Some(BodyType::Txt);
        message.text = Some(Cow::Borrowed(texts[text]));
    }
    message
}

/// Counts the bytes that are read.
#[derive(Clone)]
struct Reader {
    file: Bytes,
    read: Arc<AtomicU64>,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.read.fetch_add(range.end - range.start, Ordering::Relaxed);
        let mut file = Cursor::new(self.file.clone());
        async move { file.get_bytes(range).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let length = self.file.len() as u64;
        async move {
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            reader.load_and_finish(self, length).await.map(Arc::new)
        }
        .boxed()
    }
}
