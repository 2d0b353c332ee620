//! Writes a file: row groups are encoded independently, by any thread, and appended in order.

use crate::failure::general;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_writer::{compute_leaves, ArrowColumnChunk, ArrowColumnWriter};
use parquet::basic::{Compression, GzipLevel, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor, Type};
use std::ffi::c_void;
use std::io::{Error, Write};
use std::ptr::NonNull;
use std::sync::Arc;

/// Where the bytes go: `capi_pq_output` of bridge.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Output {
    write: extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    context: *mut c_void,
}

unsafe impl Send for Output {}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match (self.write)(self.context, bytes.as_ptr(), bytes.len()) {
            0 => Ok(bytes.len()),
            _ => Err(Error::other("the file cannot be written")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// `capi_pq_kind` of bridge.h.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Text,
    Int,
    Float,
    Bool,
    Millis,
    Cents,
}

fn kind_of(number: u8) -> Result<Kind> {
    const KINDS: [Kind; 6] = [Kind::Text, Kind::Int, Kind::Float, Kind::Bool, Kind::Millis, Kind::Cents];
    KINDS.get(number as usize).copied().ok_or_else(|| general("a column of unknown kind"))
}

/// `capi_pq_out_field` of bridge.h.
#[repr(C)]
pub struct OutField {
    name: *const u8,
    name_bytes: usize,
    kind: u8,
}

impl OutField {
    pub fn kind(&self) -> Result<Kind> {
        kind_of(self.kind)
    }
}

pub fn name_of(field: &OutField) -> Result<&str> {
    let bytes = unsafe { std::slice::from_raw_parts(field.name, field.name_bytes) };
    std::str::from_utf8(bytes).map_err(|_| general("a column's name is no text"))
}

/// `capi_pq_out_column` of bridge.h. Texts: offsets (one more than rows) into values. A value equal to null_value is null.
#[repr(C)]
pub struct OutColumn {
    values: *const c_void,
    offsets: *const i32,
    null_value: i64,
    has_null_value: bool,
}

fn column_type(name: &str, kind: Kind) -> Result<Type> {
    const PRECISION: i32 = 17; // the most that old readers of these files accept
    let physical = match kind {
        Kind::Text => Physical::BYTE_ARRAY,
        Kind::Float => Physical::DOUBLE,
        Kind::Bool => Physical::BOOLEAN,
        _ => Physical::INT64,
    };
    let logical = match kind {
        Kind::Text => Some(LogicalType::String),
        Kind::Millis => Some(LogicalType::Timestamp { is_adjusted_to_u_t_c: false, unit: TimeUnit::MILLIS }),
        Kind::Cents => Some(LogicalType::Decimal { scale: 2, precision: PRECISION }),
        _ => None,
    };
    let mut builder = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    if kind == Kind::Cents {
        builder = builder.with_precision(PRECISION).with_scale(2);
    }
    if kind == Kind::Millis {
        builder = builder.with_converted_type(parquet::basic::ConvertedType::TIMESTAMP_MILLIS);
    }
    builder.build()
}

fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        _ => DataType::Int64,
    }
}

pub fn codec_of(name: &str) -> Result<Compression> {
    Ok(match name {
        "uncompressed" => Compression::UNCOMPRESSED,
        "snappy" => Compression::SNAPPY,
        "gzip" => Compression::GZIP(GzipLevel::default()),
        "zstd" => Compression::ZSTD(ZstdLevel::try_new(3)?),
        "lz4" => Compression::LZ4_RAW,
        _ => return Err(general(format!("unknown codec {name:?}"))),
    })
}

pub struct Writer {
    file: SerializedFileWriter<Output>,
    shape: Arc<Shape>,
}

/// What all row groups share.
struct Shape {
    kinds: Vec<Kind>,
    names: Vec<String>,
    schema: SchemaDescriptor,
    arrow: SchemaRef,
    codec: Compression,
}

fn properties(codec: Compression, plain: &[&String]) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by("capillaries".to_string())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(codec)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for name in plain {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(vec![name.to_string()]), false);
    }
    builder.build()
}

impl Writer {
    pub fn open(output: Output, fields: &[OutField], codec: &str) -> Result<Writer> {
        let codec = codec_of(codec)?;
        let mut shape_kinds = Vec::new();
        let mut names = Vec::new();
        let mut types = Vec::new();
        let mut arrow = Vec::new();
        for field in fields {
            let (name, kind) = (name_of(field)?, field.kind()?);
            types.push(Arc::new(column_type(name, kind)?));
            arrow.push(Field::new(name, arrow_type(kind), true));
            names.push(name.to_string());
            shape_kinds.push(kind);
        }
        let root = Arc::new(Type::group_type_builder("msg").with_fields(types).build()?);
        let shape = Shape {
            kinds: shape_kinds,
            names,
            schema: SchemaDescriptor::new(root.clone()),
            arrow: Arc::new(Schema::new(arrow)),
            codec,
        };
        let file = SerializedFileWriter::new(output, root, Arc::new(properties(codec, &[])))?;
        Ok(Writer { file, shape: Arc::new(shape) })
    }

    pub fn new_group(&self) -> Group {
        Group { shape: self.shape.clone(), columns: Vec::new(), chunks: Vec::new(), rows: 0 }
    }

    pub fn append(&mut self, group: Group) -> Result<()> {
        if group.rows == 0 {
            return Ok(());
        }
        let mut row_group = self.file.next_row_group()?;
        for chunk in group.chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        Ok(())
    }

    pub fn close(mut self) -> Result<()> {
        self.file.finish()?;
        Ok(())
    }
}

/// A row group being encoded by one thread.
pub struct Group {
    shape: Arc<Shape>,
    columns: Vec<ArrowColumnWriter>,
    chunks: Vec<ArrowColumnChunk>,
    rows: u64,
}

/// Memory of the caller as a buffer; the arrays made of it are gone before the call returns.
unsafe fn borrowed(data: *const c_void, bytes: usize) -> Buffer {
    match NonNull::new(data as *mut u8) {
        Some(data) if bytes > 0 => Buffer::from_custom_allocation(data, bytes, Arc::new(())),
        _ => Buffer::from(&[] as &[u8]),
    }
}

unsafe fn words(column: &OutColumn, rows: usize) -> ScalarBuffer<i64> {
    ScalarBuffer::new(borrowed(column.values, rows * 8), 0, rows)
}

/// # Safety
/// The column must be as the C header says, for so many rows; it must outlive the array.
pub unsafe fn array_of(kind: Kind, column: &OutColumn, rows: usize) -> Result<ArrayRef> {
    Ok(match kind {
        Kind::Text => {
            let offsets = ScalarBuffer::<i32>::new(borrowed(column.offsets.cast(), (rows + 1) * 4), 0, rows + 1);
            let bytes = offsets[rows] as usize;
            let values = borrowed(column.values, bytes);
            Arc::new(StringArray::new_unchecked(OffsetBuffer::new_unchecked(offsets), values, None))
        }
        Kind::Float => Arc::new(Float64Array::new(ScalarBuffer::new(borrowed(column.values, rows * 8), 0, rows), None)),
        Kind::Bool => {
            let bytes = std::slice::from_raw_parts(column.values.cast::<u8>(), rows);
            Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(rows, |row| bytes[row] != 0), None))
        }
        Kind::Int | Kind::Millis | Kind::Cents => {
            let values = words(column, rows);
            let has_nulls = column.has_null_value && values.contains(&column.null_value);
            let nulls = has_nulls
                .then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| values[row] != column.null_value)));
            Arc::new(Int64Array::new(values, nulls))
        }
    })
}

/// How many rows tell whether a dictionary is worth its while, and how many of them must be different for "no".
const SAMPLE_ROWS: usize = 2048;
const SAMPLE_DISTINCT_PERCENT: usize = 97;

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        hash = (hash ^ u64::from_le_bytes(word.try_into().unwrap())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
    }
    for &byte in words.remainder() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^ hash >> 32
}

/// True if nearly all of the first rows differ. Depends on the rows alone, so that files do not depend on threads.
unsafe fn is_diverse(kind: Kind, column: &OutColumn, rows: usize) -> bool {
    let rows = rows.min(SAMPLE_ROWS);
    if kind == Kind::Bool || rows < SAMPLE_ROWS / 2 {
        return false;
    }
    let mut hashes: Vec<u64> = (0..rows)
        .map(|row| match kind {
            Kind::Text => {
                let (from, to) = (*column.offsets.add(row) as usize, *column.offsets.add(row + 1) as usize);
                hash_of(std::slice::from_raw_parts(column.values.cast::<u8>().add(from), to - from))
            }
            _ => *column.values.cast::<u64>().add(row),
        })
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.len() * 100 >= rows * SAMPLE_DISTINCT_PERCENT
}

impl Group {
    /// The encoders, made when the first rows show which columns want a dictionary.
    unsafe fn start(&mut self, columns: &[OutColumn], rows: usize) -> Result<()> {
        let shape = self.shape.clone();
        let plain: Vec<&String> = shape
            .names
            .iter()
            .enumerate()
            .filter(|(number, _)| is_diverse(shape.kinds[*number], &columns[*number], rows))
            .map(|(_, name)| name)
            .collect();
        let properties: WriterPropertiesPtr = Arc::new(properties(shape.codec, &plain));
        // The factory that replaces it takes one set of properties for all row groups.
        #[allow(deprecated)]
        let columns = parquet::arrow::arrow_writer::get_column_writers(&shape.schema, &properties, &shape.arrow)?;
        self.columns = columns;
        Ok(())
    }

    /// # Safety
    /// The columns must be as the C header says, for so many rows.
    pub unsafe fn write(&mut self, columns: &[OutColumn], rows: usize) -> Result<()> {
        if self.columns.is_empty() {
            self.start(columns, rows)?;
        }
        for (number, column) in columns.iter().enumerate() {
            let array = array_of(self.shape.kinds[number], column, rows)?;
            for leaf in compute_leaves(self.shape.arrow.field(number), &array)? {
                self.columns[number].write(&leaf)?;
            }
        }
        self.rows += rows as u64;
        Ok(())
    }

    pub fn bytes(&self) -> u64 {
        let open: usize = self.columns.iter().map(|column| column.memory_size()).sum();
        let done: u64 = self.chunks.iter().map(|chunk| chunk.close().bytes_written).sum();
        open as u64 + done
    }

    /// Encodes and packs what is still open.
    pub fn finish(&mut self) -> Result<()> {
        for column in self.columns.drain(..) {
            self.chunks.push(column.close()?);
        }
        Ok(())
    }
}
