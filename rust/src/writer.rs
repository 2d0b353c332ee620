//! Writes a file: row groups are encoded independently, by any thread, and appended in order.

use crate::codec::Packer;
use crate::dictionary::Texts;
use crate::encode::{Chunk, Column, Encoder, Values};
use crate::failure::general;
use parquet::basic::{Compression, GzipLevel, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use std::ffi::c_void;
use std::io::{BufWriter, Error, Write};
use std::slice::from_raw_parts;
use std::sync::{Arc, Mutex};

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
    pub values: *const c_void,
    pub offsets: *const i32,
    pub null_value: i64,
    pub has_null_value: bool,
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

const MAGIC: &[u8] = b"PAR1";
const VERSION: i32 = 1;
const CREATED_BY: &str = "capillaries";

/// Memory that the next row groups use again: what every row group allocated and freed left gaps everywhere.
#[derive(Default)]
struct Spare {
    encoders: Vec<Encoder>,
    chunks: Vec<Vec<Vec<u8>>>,
}

pub struct Writer {
    output: Output,
    kinds: Vec<Kind>,
    schema: SchemaDescPtr,
    codec: Compression,
    spare: Mutex<Spare>,
    groups: Vec<RowGroupMetaData>,
    rows: i64,
    at: u64,
}

impl Writer {
    pub fn open(output: Output, fields: &[OutField], codec: &str) -> Result<Writer> {
        let codec = codec_of(codec)?;
        let mut kinds = Vec::new();
        let mut types = Vec::new();
        for field in fields {
            let kind = field.kind()?;
            types.push(Arc::new(column_type(name_of(field)?, kind)?));
            kinds.push(kind);
        }
        let root = Arc::new(Type::group_type_builder("msg").with_fields(types).build()?);
        let schema = Arc::new(SchemaDescriptor::new(root));
        let mut writer = Writer { output, kinds, schema, codec, spare: Mutex::default(), groups: Vec::new(), rows: 0, at: 0 };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Any thread.
    ///
    /// # Safety
    /// The columns must be as the C header says, for so many rows.
    pub unsafe fn encode(&self, columns: &[OutColumn], rows: usize) -> Result<Group> {
        let (encoder, memory) = {
            let mut spare = self.spare.lock().unwrap();
            (spare.encoders.pop(), spare.chunks.pop().unwrap_or_default())
        };
        let mut encoder = match encoder {
            Some(encoder) => encoder,
            None => Encoder::new(Packer::new(self.codec)?),
        };
        let mut memory = memory.into_iter();
        let mut chunks = Vec::with_capacity(columns.len());
        for (&kind, column) in self.kinds.iter().zip(columns) {
            chunks.push(encoder.encode(&column_of(kind, column, rows), memory.next().unwrap_or_default())?);
        }
        self.spare.lock().unwrap().encoders.push(encoder);
        Ok(Group { chunks, rows })
    }

    fn append_chunk(&mut self, number: usize, chunk: &mut Chunk, rows: i64) -> Result<ColumnChunkMetaData> {
        let offset = self.at as i64;
        let has_dictionary = chunk.dictionary_bytes > 0;
        self.put(&chunk.bytes)?;
        ColumnChunkMetaData::builder(self.schema.column(number))
            .set_compression(self.codec)
            .set_encodings(std::mem::take(&mut chunk.encodings))
            .set_total_compressed_size(chunk.bytes.len() as i64)
            .set_total_uncompressed_size(chunk.bytes_unpacked as i64)
            .set_num_values(rows)
            .set_dictionary_page_offset(has_dictionary.then_some(offset))
            .set_data_page_offset(offset + chunk.dictionary_bytes as i64)
            .set_statistics(chunk.statistics.clone())
            .build()
    }

    pub fn append(&mut self, mut group: Group) -> Result<()> {
        let (offset, rows) = (self.at as i64, group.rows as i64);
        let bytes: u64 = group.chunks.iter().map(|chunk| chunk.bytes_unpacked).sum();
        let mut columns = Vec::with_capacity(group.chunks.len());
        for (number, chunk) in group.chunks.iter_mut().enumerate() {
            columns.push(self.append_chunk(number, chunk, rows)?);
        }
        let memory = group.chunks.into_iter().map(|chunk| chunk.bytes).collect();
        self.spare.get_mut().unwrap().chunks.push(memory);
        let mut builder = RowGroupMetaData::builder(self.schema.clone())
            .set_num_rows(rows)
            .set_total_byte_size(bytes as i64)
            .set_file_offset(offset)
            .set_column_metadata(columns);
        if let Ok(ordinal) = i16::try_from(self.groups.len()) {
            builder = builder.set_ordinal(ordinal);
        }
        self.groups.push(builder.build()?);
        self.rows += rows;
        Ok(())
    }

    /// Writes the footer.
    pub fn close(self) -> Result<()> {
        let file = FileMetaData::new(VERSION, self.rows, Some(CREATED_BY.to_string()), None, self.schema, None);
        let metadata = ParquetMetaData::new(file, self.groups);
        let mut output = BufWriter::new(self.output);
        ParquetMetaDataWriter::new(&mut output, &metadata).finish()?;
        output.flush()?;
        Ok(())
    }
}

/// A row group that was encoded and waits for its turn.
pub struct Group {
    chunks: Vec<Chunk>,
    rows: usize,
}

impl Group {
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum()
    }
}

unsafe fn column_of<'a>(kind: Kind, column: &'a OutColumn, rows: usize) -> Column<'a> {
    let values = match kind {
        Kind::Text => {
            let offsets = from_raw_parts(column.offsets.cast::<u32>(), rows + 1);
            let values = from_raw_parts(column.values.cast::<u8>(), offsets[rows] as usize);
            Values::Text(Texts { values, offsets })
        }
        Kind::Bool => Values::Bools(from_raw_parts(column.values.cast::<u8>(), rows)),
        _ => Values::Words(from_raw_parts(column.values.cast::<u64>(), rows)),
    };
    Column { kind, values, null: column.has_null_value.then_some(column.null_value as u64), rows }
}
