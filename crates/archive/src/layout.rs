//! How a file is laid out.

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::promotion::{PromotedType, Promotion};
use crate::settings::Settings;
use crate::table::{Bounds, FORMAT, Field, Packing, Table};

/// The key of the format's number in the metadata of a file.
pub(crate) const FORMAT_KEY: &str = "annals.format";

/// Bounds of texts in the page index are cut to this many bytes: ids are shorter.
const BOUND_BYTES: usize = 64;

/// The layout of the files of a table with these promoted columns.
pub(crate) fn properties<T: Table>(
    settings: &Settings,
    promotions: &[Promotion],
) -> Result<WriterProperties, ParquetError> {
    let level = ZstdLevel::try_new(settings.compression.clamp(1, 22))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(settings.row_group_rows.max(1)))
        .set_data_page_row_count_limit(settings.page_rows.max(1))
        .set_data_page_size_limit(Settings::PAGE_BYTES)
        .set_write_batch_size(settings.page_rows.clamp(1, 1_024))
        .set_dictionary_page_size_limit(Settings::DICTIONARY_BYTES)
        .set_column_index_truncate_length(Some(BOUND_BYTES))
        .set_statistics_truncate_length(Some(BOUND_BYTES))
        .set_sorting_columns(sorting_columns::<T>())
        .set_key_value_metadata(Some(vec![KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_string())]));
    let properties = T::FIELDS.iter().fold(properties, pack);
    Ok(promotions.iter().fold(properties, pack_promoted).build())
}

/// Nobody knows what is in such a column, but that members of messages come back again and again.
fn pack_promoted(properties: WriterPropertiesBuilder, promotion: &Promotion) -> WriterPropertiesBuilder {
    let path = || ColumnPath::from(promotion.column.as_str());
    properties
        .set_column_statistics_enabled(path(), EnabledStatistics::Chunk)
        .set_column_dictionary_enabled(path(), promotion.kind != PromotedType::Json)
}

/// The layout of a file of few rows: as it is, for a codec is made anew for each column by whoever reads the file, which
/// takes longer than all else, and there is nothing to pack.
pub(crate) fn unpacked<T: Table>(
    settings: &Settings,
    promotions: &[Promotion],
) -> Result<WriterProperties, ParquetError> {
    let properties = properties::<T>(settings, promotions)?.into_builder();
    Ok(properties.set_compression(Compression::UNCOMPRESSED).build())
}

fn pack<T: Table>(properties: WriterPropertiesBuilder, field: &Field<T>) -> WriterPropertiesBuilder {
    let path = || ColumnPath::from(field.name);
    let statistics = if field.bounds == Bounds::Pages { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
    let properties = properties
        .set_column_statistics_enabled(path(), statistics)
        .set_column_dictionary_enabled(path(), field.packing == Packing::Repeated);
    match field.packing {
        Packing::AlikeAtFirst => properties.set_column_encoding(path(), Encoding::DELTA_BYTE_ARRAY),
        Packing::Near => properties.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
        Packing::Plain | Packing::Repeated => properties,
        Packing::Unlike => properties.set_column_encoding(path(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
    }
}

fn sorting_columns<T: Table>() -> Option<Vec<SortingColumn>> {
    let column = |name: &&str| {
        let index = (0i32..).zip(T::FIELDS).find(|(_, field)| field.name == *name).map(|(index, _)| index)?;
        Some(SortingColumn { column_idx: index, descending: false, nulls_first: false })
    };
    let columns: Vec<_> = T::SORTED_BY.iter().filter_map(column).collect();
    (!columns.is_empty()).then_some(columns)
}
