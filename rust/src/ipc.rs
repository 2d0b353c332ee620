//! Writes an Arrow IPC file ("Feather", version 2): record batches one after the other, each from columns of the caller.

use crate::writer::{name_of, Kind, OutColumn, OutField, Output};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::errors::Result;
use std::ffi::c_void;
use std::io::BufWriter;
use std::ptr::NonNull;
use std::sync::Arc;

/// Of decimals: as many as a signed 64-bit number of hundredths has.
const PRECISION: u8 = 19;
const SCALE: i8 = 2;

pub struct IpcWriter {
    file: FileWriter<BufWriter<Output>>,
    schema: SchemaRef,
    kinds: Vec<Kind>,
}

fn type_of(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Millis => DataType::Timestamp(TimeUnit::Millisecond, None),
        Kind::Cents => DataType::Decimal128(PRECISION, SCALE),
    }
}

/// Numbers as what they mean.
fn typed(kind: Kind, array: ArrayRef) -> Result<ArrayRef> {
    Ok(match kind {
        Kind::Millis => {
            let (_, values, nulls) = array.as_primitive::<Int64Type>().clone().into_parts();
            Arc::new(TimestampMillisecondArray::new(values, nulls))
        }
        Kind::Cents => {
            let values = array.as_primitive::<Int64Type>().values().iter().map(|&cents| i128::from(cents));
            Arc::new(Decimal128Array::from_iter_values(values).with_precision_and_scale(PRECISION, SCALE)?)
        }
        _ => array,
    })
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
unsafe fn array_of(kind: Kind, column: &OutColumn, rows: usize) -> Result<ArrayRef> {
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

impl IpcWriter {
    pub fn open(output: Output, fields: &[OutField]) -> Result<IpcWriter> {
        let mut kinds = Vec::new();
        let mut columns = Vec::new();
        for field in fields {
            let (name, kind) = (name_of(field)?, field.kind()?);
            columns.push(Field::new(name, type_of(kind), true));
            kinds.push(kind);
        }
        let schema = Arc::new(Schema::new(columns));
        Ok(IpcWriter { file: FileWriter::try_new_buffered(output, &schema)?, schema, kinds })
    }

    /// # Safety
    /// The columns must be as the C header says, for so many rows.
    pub unsafe fn write(&mut self, columns: &[OutColumn], rows: usize) -> Result<()> {
        let mut arrays = Vec::new();
        for (&kind, column) in self.kinds.iter().zip(columns) {
            arrays.push(typed(kind, array_of(kind, column, rows)?)?);
        }
        self.file.write(&RecordBatch::try_new(self.schema.clone(), arrays)?)?;
        Ok(())
    }

    /// Writes the footer.
    pub fn close(mut self) -> Result<()> {
        self.file.finish()?;
        Ok(())
    }
}
