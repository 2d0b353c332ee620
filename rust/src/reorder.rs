//! Writes a file's rows in another order, as the same columns: a column after the other, physical values as they are, so
//! that nothing of the schema or of a value changes. Memory: one column of the whole file, charged.

use crate::failure::general;
use crate::pages::{Charge, Pages, Tally};
use crate::reader::File;
use crate::writer::{codec_of, Output};
use parquet::basic::Type as Physical;
use parquet::column::reader::{get_column_reader, get_typed_column_reader};
use parquet::data_type::{self as kinds, AsBytes, DataType};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use std::mem::size_of;
use std::sync::atomic::Ordering;
use std::sync::Arc;

const BATCH_ROWS: usize = 8192;
const NULL: u32 = u32::MAX;

/// All values of a column, and where those of each row are.
struct Column<T> {
    values: Vec<T>,
    place: Vec<u32>,  // by row; empty: no row is null, and values are by row
    value_bytes: u64, // of values of variable length, which refer to pages that they keep alive
    charge: Charge,
}

impl<T: AsBytes> Column<T> {
    fn charge_since(&mut self, from: usize, is_variable: bool) -> Result<()> {
        if is_variable {
            self.value_bytes += self.values[from..].iter().map(|value| value.as_bytes().len() as u64).sum::<u64>();
        }
        let spine = self.values.capacity() * size_of::<T>() + self.place.capacity() * size_of::<u32>();
        self.charge.set(self.value_bytes + spine as u64)
    }
}

/// The values of a row group behind those that are there.
fn read_group<D: DataType>(file: &File, group: usize, leaf: usize, column: &mut Column<D::T>) -> Result<()> {
    let descriptor = file.leaf(leaf);
    let is_optional = descriptor.max_def_level() > 0;
    let is_variable = matches!(descriptor.physical_type(), Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY);
    let tally = Arc::new(Tally::default());
    let pages = Pages::new(file.input(), file.chunk(group, leaf)?, tally.clone())?;
    let mut reader = get_typed_column_reader::<D>(get_column_reader(descriptor, Box::new(pages)));
    let rows = file.group_rows()[group];
    let mut seen = 0u64;
    let mut levels: Vec<i16> = Vec::new();
    while seen < rows {
        let from = column.values.len();
        levels.clear();
        let wanted = BATCH_ROWS.min((rows - seen) as usize);
        let (records, _, _) =
            reader.read_records(wanted, is_optional.then_some(&mut levels), None, &mut column.values)?;
        if records == 0 {
            break;
        }
        let mut next = from as u32;
        for level in &levels {
            column.place.push(if *level > 0 { next } else { NULL });
            next += u32::from(*level > 0);
        }
        if next as usize != column.values.len() && is_optional {
            return Err(general("a column has another number of values than of rows that are not null"));
        }
        column.charge_since(from, is_variable)?;
        seen += records as u64;
    }
    if seen != rows || tally.seen.load(Ordering::Relaxed) != rows {
        return Err(general(format!("a column has {seen} values, its row group {rows} rows")));
    }
    Ok(())
}

fn read_column<D: DataType>(file: &File, leaf: usize) -> Result<Column<D::T>> {
    let charge = Charge::new(file.input());
    let mut column = Column { values: Vec::new(), place: Vec::new(), value_bytes: 0, charge };
    for group in 0..file.group_rows().len() {
        read_group::<D>(file, group, leaf, &mut column)?;
    }
    Ok(column)
}

fn copy_column<D: DataType>(
    file: &File,
    leaf: usize,
    order: &[u32],
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    let column = read_column::<D>(file, leaf)?;
    let is_optional = file.leaf(leaf).max_def_level() > 0;
    let mut values = Vec::with_capacity(BATCH_ROWS);
    let mut levels = Vec::with_capacity(BATCH_ROWS);
    for rows in order.chunks(BATCH_ROWS) {
        values.clear();
        levels.clear();
        for &row in rows {
            let place = if is_optional { column.place[row as usize] } else { row };
            levels.push(i16::from(place != NULL));
            if place != NULL {
                values.push(column.values[place as usize].clone());
            }
        }
        writer.typed::<D>().write_batch(&values, is_optional.then_some(&levels[..]), None)?;
    }
    Ok(())
}

fn properties(file: &File, codec: &str) -> Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_created_by("capillaries".to_string())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(codec_of(codec)?)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(file.key_values())
        .build())
}

fn check_shape(file: &File, order: &[u32]) -> Result<()> {
    let rows: u64 = file.group_rows().iter().sum();
    if rows != order.len() as u64 || order.iter().any(|&row| u64::from(row) >= rows) {
        return Err(general("the order is not that of all rows"));
    }
    for leaf in 0..file.leaf_count() {
        let descriptor = file.leaf(leaf);
        if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
            return Err(general(format!("column {:?} is nested", descriptor.path().string())));
        }
    }
    Ok(())
}

/// Row i of what is written is row order[i] of the file.
pub fn reorder(file: &File, order: &[u32], output: Output, codec: &str) -> Result<()> {
    check_shape(file, order)?;
    let mut writer = SerializedFileWriter::new(output, file.schema(), Arc::new(properties(file, codec)?))?;
    if !order.is_empty() {
        let mut group = writer.next_row_group()?;
        let mut leaf = 0;
        while let Some(mut column) = group.next_column()? {
            match file.leaf(leaf).physical_type() {
                Physical::BOOLEAN => copy_column::<kinds::BoolType>(file, leaf, order, &mut column)?,
                Physical::INT32 => copy_column::<kinds::Int32Type>(file, leaf, order, &mut column)?,
                Physical::INT64 => copy_column::<kinds::Int64Type>(file, leaf, order, &mut column)?,
                Physical::INT96 => copy_column::<kinds::Int96Type>(file, leaf, order, &mut column)?,
                Physical::FLOAT => copy_column::<kinds::FloatType>(file, leaf, order, &mut column)?,
                Physical::DOUBLE => copy_column::<kinds::DoubleType>(file, leaf, order, &mut column)?,
                Physical::BYTE_ARRAY => copy_column::<kinds::ByteArrayType>(file, leaf, order, &mut column)?,
                Physical::FIXED_LEN_BYTE_ARRAY => {
                    copy_column::<kinds::FixedLenByteArrayType>(file, leaf, order, &mut column)?
                }
            }
            column.close()?;
            leaf += 1;
        }
        group.close()?;
    }
    writer.finish()?;
    Ok(())
}
