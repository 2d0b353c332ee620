//! Writes an Arrow IPC file ("Feather", version 2): record batches one after the other, each from columns of the caller.

use crate::writer::{array_of, name_of, Kind, OutColumn, OutField, Output};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Decimal128Array, RecordBatch, TimestampMillisecondArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::errors::Result;
use std::io::BufWriter;
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
