//! An open file, and pieces of its row groups.
//!
//! Columns are decoded as what they physically are: the parquet crate gets a schema made of the wanted columns, without
//! annotations. What values mean is decided by the caller, who gets the annotations as data.

use crate::failure::{general, text_of};
use crate::pages::{Charge, Chunk, Input, Pages, Tally};
use crate::thrift;
use arrow_array::cast::AsArray;
use arrow_array::{types, Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use parquet::arrow::array_reader::RowGroups;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection, RowSelector};
use parquet::arrow::{parquet_to_arrow_field_levels, FieldLevels, ProjectionMask};
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, Type, TypePtr};
use std::ffi::c_void;
use std::sync::atomic::Ordering;
use std::sync::Arc;

const MAGIC: &[u8; 4] = b"PAR1";
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";
const TAIL_BYTES: u64 = 8;
const FOOTER_BYTES_MAX: u64 = 1 << 30;
/// What a decoded footer may take per byte of the file's: row groups and column chunks are big structs.
const FOOTER_GROWTH: u64 = 24;
const FIXED_BYTES_MAX: usize = 64;

/// The same numbers as `capi_pq_physical` of bridge.h.
fn physical_number(physical: Physical) -> u8 {
    match physical {
        Physical::BOOLEAN => 0,
        Physical::INT32 => 1,
        Physical::INT64 => 2,
        Physical::INT96 => 3,
        Physical::FLOAT => 4,
        Physical::DOUBLE => 5,
        Physical::BYTE_ARRAY => 6,
        Physical::FIXED_LEN_BYTE_ARRAY => 7,
    }
}

/// The same numbers as `capi_pq_meaning` of bridge.h.
#[repr(u8)]
#[derive(Clone, Copy)]
enum Meaning {
    None,
    Text,
    Int,
    UInt,
    Decimal,
    Date,
    Millis,
    Micros,
    Nanos,
    Other,
}

fn meaning_of_unit(unit: &TimeUnit) -> Meaning {
    match unit {
        TimeUnit::MILLIS => Meaning::Millis,
        TimeUnit::MICROS => Meaning::Micros,
        TimeUnit::NANOS => Meaning::Nanos,
    }
}

fn meaning_of(column: &Type) -> Meaning {
    match column.get_basic_info().logical_type_ref() {
        Some(LogicalType::String) => return Meaning::Text,
        Some(LogicalType::Decimal { .. }) => return Meaning::Decimal,
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Timestamp { unit, .. }) => return meaning_of_unit(unit),
        Some(LogicalType::Integer { is_signed: true, .. }) => return Meaning::Int,
        Some(LogicalType::Integer { .. }) => return Meaning::UInt,
        Some(LogicalType::Unknown) | None => {}
        Some(_) => return Meaning::Other,
    }
    match column.get_basic_info().converted_type() {
        ConvertedType::NONE => Meaning::None,
        ConvertedType::UTF8 => Meaning::Text,
        ConvertedType::DECIMAL => Meaning::Decimal,
        ConvertedType::DATE => Meaning::Date,
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Millis,
        ConvertedType::TIMESTAMP_MICROS => Meaning::Micros,
        ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::INT_32 | ConvertedType::INT_64 => Meaning::Int,
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
            Meaning::UInt
        }
        _ => Meaning::Other,
    }
}

/// The bits of an integer that its annotation names, 0 if none does.
fn bits_of(column: &Type) -> u8 {
    if let Some(LogicalType::Integer { bit_width, .. }) = column.get_basic_info().logical_type_ref() {
        return *bit_width as u8;
    }
    match column.get_basic_info().converted_type() {
        ConvertedType::INT_8 | ConvertedType::UINT_8 => 8,
        ConvertedType::INT_16 | ConvertedType::UINT_16 => 16,
        ConvertedType::INT_32 | ConvertedType::UINT_32 => 32,
        ConvertedType::INT_64 | ConvertedType::UINT_64 => 64,
        _ => 0,
    }
}

/// A top-level column: `capi_pq_field` of bridge.h.
#[repr(C)]
pub struct FieldInfo {
    name: *const u8,
    name_bytes: usize,
    leaf: u32,
    scale: i32,
    precision: i32,
    type_bytes: i32,
    physical: u8,
    meaning: u8,
    bits: u8,
    is_nested: bool,
    is_repeated: bool,
}

fn leaf_count(column: &Type) -> u32 {
    match column.is_primitive() {
        true => 1,
        false => column.get_fields().iter().map(|field| leaf_count(field)).sum(),
    }
}

fn field_info(column: &Type, leaf: u32) -> FieldInfo {
    let mut info = FieldInfo {
        name: column.name().as_ptr(),
        name_bytes: column.name().len(),
        leaf,
        scale: 0,
        precision: 0,
        type_bytes: 0,
        physical: 0,
        meaning: Meaning::Other as u8,
        bits: 0,
        is_nested: !column.is_primitive(),
        is_repeated: column.get_basic_info().has_repetition()
            && column.get_basic_info().repetition() == Repetition::REPEATED,
    };
    if let Type::PrimitiveType { physical_type, type_length, scale, precision, .. } = column {
        info.physical = physical_number(*physical_type);
        info.meaning = meaning_of(column) as u8;
        info.bits = bits_of(column);
        info.type_bytes = if *physical_type == Physical::INT96 { 12 } else { *type_length };
        info.scale = *scale;
        info.precision = *precision;
        if let Some(LogicalType::Decimal { scale, precision }) = column.get_basic_info().logical_type_ref() {
            info.scale = *scale;
            info.precision = *precision;
        }
    }
    info
}

pub struct File {
    input: Input,
    metadata: ParquetMetaData,
    fields: Vec<FieldInfo>,
    group_rows: Vec<u64>,
    /// Row group and column of what is encrypted, in order.
    encrypted: Vec<(u32, u32)>,
    _footer: Charge,
}

unsafe impl Send for File {}
unsafe impl Sync for File {} // fields point into metadata

fn read_footer(input: Input, charge: &mut Charge) -> Result<(ParquetMetaData, thrift::Footer)> {
    if input.size < 4 + TAIL_BYTES {
        return Err(general(format!("it has only {} bytes and so is no Parquet file", input.size)));
    }
    let tail = input.bytes(input.size - TAIL_BYTES, TAIL_BYTES as usize)?;
    if &tail[4..] == MAGIC_ENCRYPTED {
        return Err(general("it is encrypted"));
    }
    if &tail[4..] != MAGIC {
        return Err(general("it does not end like a Parquet file"));
    }
    if input.bytes(0, 4)? != MAGIC {
        return Err(general("it does not begin like a Parquet file"));
    }
    let size = u64::from(u32::from_le_bytes(tail[..4].try_into().unwrap()));
    if size > input.size - TAIL_BYTES - 4 || size > FOOTER_BYTES_MAX {
        return Err(general(format!("its footer of {size} bytes does not fit into the file")));
    }
    charge.set(size * FOOTER_GROWTH)?;
    let footer = input.bytes(input.size - TAIL_BYTES - size, size as usize)?;
    let damaged = |error| match text_of(&error) {
        // A file may have more, but the library counts them in 16 bits.
        text if text.contains("Row group ordinal") => general("it has more than 32,767 row groups, the most that can be read".to_string()),
        text => general(format!("its footer is damaged: {text}")),
    };
    let checked = thrift::check_footer(&footer).map_err(damaged)?;
    Ok((ParquetMetaDataReader::decode_metadata(&footer).map_err(damaged)?, checked))
}

fn check_group(number: usize, group: &RowGroupMetaData, leaves: usize) -> Result<u64> {
    let rows = u64::try_from(group.num_rows())
        .map_err(|_| general(format!("row group {number} has {} rows", group.num_rows())))?;
    if group.columns().len() != leaves {
        return Err(general(format!("row group {number} has {} columns, the file {leaves}", group.columns().len())));
    }
    Ok(rows)
}

fn check_groups(metadata: &ParquetMetaData) -> Result<Vec<u64>> {
    let leaves = metadata.file_metadata().schema_descr().num_columns();
    let mut rows = Vec::with_capacity(metadata.num_row_groups());
    let mut sum = 0u64;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        rows.push(check_group(number, group, leaves)?);
        sum = sum.saturating_add(rows[number]);
    }
    if i64::try_from(sum) != Ok(metadata.file_metadata().num_rows()) {
        return Err(general(format!(
            "its row groups have {sum} rows together, its footer says {}",
            metadata.file_metadata().num_rows()
        )));
    }
    Ok(rows)
}

impl File {
    pub fn open(input: Input) -> Result<File> {
        let mut charge = Charge::new(input);
        let (metadata, footer) = read_footer(input, &mut charge)?;
        let group_rows = check_groups(&metadata)?;
        let mut fields = Vec::new();
        let mut leaf = 0;
        for column in metadata.file_metadata().schema_descr().root_schema().get_fields() {
            fields.push(field_info(column, leaf));
            leaf += leaf_count(column);
        }
        Ok(File { input, metadata, fields, group_rows, encrypted: footer.encrypted, _footer: charge })
    }

    pub fn fields(&self) -> &[FieldInfo] {
        &self.fields
    }

    pub fn group_rows(&self) -> &[u64] {
        &self.group_rows
    }

    pub fn input(&self) -> Input {
        self.input
    }

    pub fn leaf_count(&self) -> usize {
        self.metadata.file_metadata().schema_descr().num_columns()
    }

    pub fn leaf(&self, leaf: usize) -> ColumnDescPtr {
        self.metadata.file_metadata().schema_descr().column(leaf)
    }

    pub fn schema(&self) -> TypePtr {
        self.metadata.file_metadata().schema_descr().root_schema_ptr()
    }

    pub fn key_values(&self) -> Option<Vec<KeyValue>> {
        self.metadata.file_metadata().key_value_metadata().cloned()
    }

    /// Where the pages of a column are; (0, 0) when the footer talks nonsense, which reading reports.
    pub fn place(&self, group: usize, leaf: usize) -> (u64, u64) {
        self.chunk(group, leaf).map_or((0, 0), |chunk| (chunk.offset, chunk.bytes))
    }

    fn column_name(&self, leaf: usize) -> String {
        self.metadata.file_metadata().schema_descr().column(leaf).path().string()
    }

    pub fn chunk(&self, group: usize, leaf: usize) -> Result<Chunk> {
        let metadata = self.metadata.row_group(group);
        let column = metadata.column(leaf);
        if self.encrypted.binary_search(&(group as u32, leaf as u32)).is_ok() {
            return Err(general(format!("column {:?} is encrypted", column.column_path().string())));
        }
        let first = column.dictionary_page_offset().filter(|&at| at > 0 && at < column.data_page_offset());
        let offset = first.unwrap_or(column.data_page_offset());
        if column.num_values() != metadata.num_rows() {
            return Err(general(format!(
                "column {:?} has {} values in row group {group}, which has {} rows",
                column.column_path().string(),
                column.num_values(),
                metadata.num_rows()
            )));
        }
        match (u64::try_from(offset), u64::try_from(column.compressed_size())) {
            (Ok(offset), Ok(bytes)) => Ok(Chunk {
                offset,
                bytes,
                codec: column.compression(),
                physical: column.column_type(),
                type_bytes: column.column_descr().type_length().max(0) as usize,
                is_optional: column.column_descr().max_def_level() > 0,
                rows: metadata.num_rows() as u64,
            }),
            _ => Err(general(format!("column {:?} has a negative offset or size", column.column_path().string()))),
        }
    }
}

/// A wanted column: `capi_pq_want` of bridge.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Want {
    leaf: u32,
    is_text: bool,
}

fn plain_type(file: &File, want: &Want, number: usize) -> Result<TypePtr> {
    let column = file.metadata.file_metadata().schema_descr().column(want.leaf as usize);
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return Err(general("a nested column is wanted"));
    }
    let bytes = match column.physical_type() {
        Physical::INT96 => 12,
        _ => column.type_length(),
    };
    if bytes > FIXED_BYTES_MAX as i32 {
        return Err(general(format!("a column has values of {bytes} bytes each")));
    }
    let physical = match column.physical_type() {
        Physical::INT96 => Physical::FIXED_LEN_BYTE_ARRAY,
        other => other,
    };
    let repetition = if column.max_def_level() > 0 { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    Ok(Arc::new(
        Type::primitive_type_builder(&format!("c{number}"), physical)
            .with_repetition(repetition)
            .with_length(bytes)
            .with_logical_type(want.is_text.then_some(LogicalType::String))
            .build()?,
    ))
}

fn levels_of(file: &File, wants: &[Want]) -> Result<FieldLevels> {
    let mut columns = Vec::new();
    let mut hints = Vec::new();
    for (number, want) in wants.iter().enumerate() {
        let plain = plain_type(file, want, number)?;
        let hint = match plain.get_physical_type() {
            Physical::BOOLEAN => DataType::Boolean,
            Physical::INT32 => DataType::Int32,
            Physical::INT64 => DataType::Int64,
            Physical::FLOAT => DataType::Float32,
            Physical::DOUBLE => DataType::Float64,
            Physical::BYTE_ARRAY if want.is_text => DataType::Utf8View,
            Physical::BYTE_ARRAY => DataType::BinaryView,
            _ => match plain.as_ref() {
                Type::PrimitiveType { type_length, .. } => DataType::FixedSizeBinary(*type_length),
                _ => return Err(general("a nested column is wanted")),
            },
        };
        hints.push(Field::new(plain.name(), hint, plain.get_basic_info().repetition() == Repetition::OPTIONAL));
        columns.push(plain);
    }
    let root = Type::group_type_builder("msg").with_fields(columns).build()?;
    let schema = SchemaDescriptor::new(Arc::new(root));
    parquet_to_arrow_field_levels(&schema, ProjectionMask::all(), Some(&Fields::from(hints)))
}

/// One row group as the parquet crate wants to see it.
struct Group<'a> {
    file: &'a File,
    group: usize,
    wants: &'a [Want],
    tallies: Vec<Arc<Tally>>,
}

struct OneChunk(Option<Pages>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for OneChunk {}

impl RowGroups for Group<'_> {
    fn num_rows(&self) -> usize {
        self.file.group_rows[self.group] as usize
    }

    fn column_chunks(&self, i: usize) -> Result<Box<dyn PageIterator>> {
        let chunk = self.file.chunk(self.group, self.wants[i].leaf as usize)?;
        let pages = Pages::new(self.file.input, chunk, self.tallies[i].clone())?;
        Ok(Box::new(OneChunk(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.file.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.file.metadata
    }
}

/// A column of a batch: `capi_pq_column` of bridge.h.
#[repr(C)]
pub struct ColumnInfo {
    values: *const c_void,
    validity: *const u8, // a bitmap, or NULL: no nulls
    buffers: *const *const u8,
    validity_offset: usize, // in bits
    value_offset: usize,    // in bits, of booleans
    buffer_count: u32,
}

fn views_info(info: &mut ColumnInfo, buffers: &[arrow_buffer::Buffer], pointers: &mut Vec<*const u8>) {
    pointers.extend(buffers.iter().map(|buffer| buffer.as_ptr()));
    info.buffers = pointers.as_ptr();
    info.buffer_count = pointers.len() as u32;
}

fn column_info(array: &dyn Array, pointers: &mut Vec<*const u8>) -> Result<ColumnInfo> {
    let mut info = ColumnInfo {
        values: std::ptr::null(),
        validity: std::ptr::null(),
        buffers: std::ptr::null(),
        validity_offset: 0,
        value_offset: 0,
        buffer_count: 0,
    };
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        info.validity = nulls.validity().as_ptr();
        info.validity_offset = nulls.offset();
    }
    match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean().values();
            info.values = values.values().as_ptr().cast();
            info.value_offset = values.offset();
        }
        DataType::Int32 => info.values = array.as_primitive::<types::Int32Type>().values().as_ptr().cast(),
        DataType::Int64 => info.values = array.as_primitive::<types::Int64Type>().values().as_ptr().cast(),
        DataType::Float32 => info.values = array.as_primitive::<types::Float32Type>().values().as_ptr().cast(),
        DataType::Float64 => info.values = array.as_primitive::<types::Float64Type>().values().as_ptr().cast(),
        DataType::FixedSizeBinary(_) => info.values = array.as_fixed_size_binary().value_data().as_ptr().cast(),
        DataType::Utf8View => {
            let views = array.as_string_view();
            info.values = views.views().as_ptr().cast();
            views_info(&mut info, views.data_buffers(), pointers);
        }
        DataType::BinaryView => {
            let views = array.as_binary_view();
            info.values = views.views().as_ptr().cast();
            views_info(&mut info, views.data_buffers(), pointers);
        }
        other => return Err(general(format!("a column came as {other}"))),
    }
    Ok(info)
}

/// Consecutive rows of one row group, read batch by batch by one thread.
pub struct Piece {
    reader: ParquetRecordBatchReader,
    batch: Option<RecordBatch>,
    columns: Vec<ColumnInfo>,
    pointers: Vec<Vec<*const u8>>,
    tallies: Vec<Arc<Tally>>,
    names: Vec<String>,
    rows_left: u64,
    /// All values of the row group have been seen when the piece ends with it; 0: it does not.
    group_rows: u64,
}

impl Piece {
    pub fn open(file: &File, wants: &[Want], group: usize, from: u64, count: u64, batch_rows: usize) -> Result<Piece> {
        let group_rows = file.group_rows[group];
        if from > group_rows || count > group_rows - from {
            return Err(general("rows that are not there are wanted"));
        }
        let levels = levels_of(file, wants)?;
        let tallies: Vec<_> = wants.iter().map(|_| Arc::<Tally>::default()).collect();
        let names = wants.iter().map(|want| file.column_name(want.leaf as usize)).collect();
        let rows = Group { file, group, wants, tallies: tallies.clone() };
        let selection = (count < group_rows).then(|| {
            RowSelection::from(vec![RowSelector::skip(from as usize), RowSelector::select(count as usize)])
        });
        let reader = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &rows, batch_rows, selection)?;
        Ok(Piece {
            reader,
            batch: None,
            columns: Vec::new(),
            pointers: Vec::new(),
            tallies,
            names,
            rows_left: count,
            group_rows: if from + count == group_rows { group_rows } else { 0 },
        })
    }

    fn check_end(&self) -> Result<()> {
        if self.rows_left > 0 {
            return Err(general(format!("{} rows are missing in a row group", self.rows_left)));
        }
        for (tally, name) in self.tallies.iter().zip(&self.names) {
            let seen = tally.seen.load(Ordering::Relaxed);
            if self.group_rows > 0 && seen != self.group_rows {
                let rows = self.group_rows;
                return Err(general(format!("column {name:?} has {seen} values in a row group of {rows} rows")));
            }
        }
        Ok(())
    }

    /// What a batch failed with: what its pages said, if they did.
    fn failure_of(&self, error: ArrowError) -> ParquetError {
        for (tally, name) in self.tallies.iter().zip(&self.names) {
            match tally.error.lock().unwrap().take() {
                Some(ParquetError::External(cause)) => return ParquetError::External(cause),
                Some(error) => return general(format!("column {name:?}: {}", text_of(&error))),
                None => {}
            }
        }
        match error {
            ArrowError::ParquetError(text) => general(text.trim_start_matches("Parquet error: ")),
            other => general(other.to_string()),
        }
    }

    /// The rows of the next batch, 0 at the end.
    pub fn next(&mut self) -> Result<usize> {
        self.columns.clear();
        self.batch = None;
        let Some(batch) = self.reader.next() else {
            self.check_end()?;
            return Ok(0);
        };
        let batch = batch.map_err(|error| self.failure_of(error))?;
        if batch.num_rows() as u64 > self.rows_left {
            return Err(general("a row group has more rows than its metadata says"));
        }
        self.rows_left -= batch.num_rows() as u64;
        self.pointers.resize_with(batch.num_columns(), Vec::new);
        for (array, pointers) in batch.columns().iter().zip(&mut self.pointers) {
            pointers.clear();
            self.columns.push(column_info(array.as_ref(), pointers)?);
        }
        let rows = batch.num_rows();
        self.batch = Some(batch);
        Ok(rows)
    }

    pub fn columns(&self) -> *const ColumnInfo {
        self.columns.as_ptr()
    }
}
