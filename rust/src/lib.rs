//! Parquet files, and writing Arrow IPC files, behind a plain C interface: what src/parquet/bridge.h declares. Nothing unwinds into C; objects are boxes
//! that the caller frees; errors are words in memory of the caller.
#![allow(clippy::missing_safety_doc)]

mod codec;
mod dictionary;
mod encode;
mod failure;
mod header;
mod ipc;
mod pages;
mod reader;
mod reorder;
mod thrift;
mod writer;

use failure::{guard, Failure};
use ipc::IpcWriter;
use pages::Input;
use reader::{ColumnInfo, FieldInfo, File, Piece, Want};
use std::slice;
use writer::{Group, OutColumn, OutField, Output, Writer};

/// A slice of C's, which may be NULL when it is empty.
unsafe fn slice_of<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        &[]
    } else {
        slice::from_raw_parts(data, count)
    }
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_open(input: *const Input, out: *mut *mut File, failure: *mut Failure) -> i32 {
    guard(failure, || {
        *out = Box::into_raw(Box::new(File::open(*input)?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_close(file: *mut File) {
    guard(std::ptr::null_mut(), || {
        drop(Box::from_raw(file));
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_fields(file: *const File, count: *mut u32) -> *const FieldInfo {
    let fields = (*file).fields();
    *count = fields.len() as u32;
    fields.as_ptr()
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_groups(file: *const File, count: *mut u32) -> *const u64 {
    let rows = (*file).group_rows();
    *count = rows.len() as u32;
    rows.as_ptr()
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_place(file: *const File, group: u32, leaf: u32, offset: *mut u64, bytes: *mut u64) {
    guard(std::ptr::null_mut(), || {
        (*offset, *bytes) = (*file).place(group as usize, leaf as usize);
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_piece_open(
    file: *const File,
    wants: *const Want,
    want_count: u32,
    group: u32,
    from: u64,
    count: u64,
    batch_rows: u32,
    out: *mut *mut Piece,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        let wants = slice_of(wants, want_count as usize);
        let piece = Piece::open(&*file, wants, group as usize, from, count, batch_rows as usize)?;
        *out = Box::into_raw(Box::new(piece));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_piece_next(
    piece: *mut Piece,
    columns: *mut *const ColumnInfo,
    rows: *mut u32,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        *rows = (*piece).next()? as u32;
        *columns = (*piece).columns();
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_piece_close(piece: *mut Piece) {
    guard(std::ptr::null_mut(), || {
        drop(Box::from_raw(piece));
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_writer_open(
    output: *const Output,
    fields: *const OutField,
    field_count: u32,
    codec: *const u8,
    codec_bytes: usize,
    out: *mut *mut Writer,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        let codec = String::from_utf8_lossy(slice_of(codec, codec_bytes)).into_owned();
        let writer = Writer::open(*output, slice_of(fields, field_count as usize), &codec)?;
        *out = Box::into_raw(Box::new(writer));
        Ok(())
    })
}

/// Writes the footer; frees the writer whatever happens.
#[no_mangle]
pub unsafe extern "C" fn capi_pq_writer_close(writer: *mut Writer, failure: *mut Failure) -> i32 {
    guard(failure, || Box::from_raw(writer).close())
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_writer_free(writer: *mut Writer) {
    guard(std::ptr::null_mut(), || {
        drop(Box::from_raw(writer));
        Ok(())
    });
}

/// Any thread.
#[no_mangle]
pub unsafe extern "C" fn capi_pq_group_encode(
    writer: *const Writer,
    columns: *const OutColumn,
    column_count: u32,
    rows: u32,
    out: *mut *mut Group,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        let group = (*writer).encode(slice_of(columns, column_count as usize), rows as usize)?;
        *out = Box::into_raw(Box::new(group));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_group_bytes(group: *const Group) -> u64 {
    (*group).bytes()
}

/// Appends it to the file; frees the group whatever happens.
#[no_mangle]
pub unsafe extern "C" fn capi_pq_group_append(writer: *mut Writer, group: *mut Group, failure: *mut Failure) -> i32 {
    guard(failure, || {
        let group = *Box::from_raw(group);
        (*writer).append(group)
    })
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_group_free(group: *mut Group) {
    guard(std::ptr::null_mut(), || {
        drop(Box::from_raw(group));
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn capi_ipc_writer_open(
    output: *const Output,
    fields: *const OutField,
    field_count: u32,
    out: *mut *mut IpcWriter,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        let writer = IpcWriter::open(*output, slice_of(fields, field_count as usize))?;
        *out = Box::into_raw(Box::new(writer));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn capi_ipc_writer_write(
    writer: *mut IpcWriter,
    columns: *const OutColumn,
    column_count: u32,
    rows: u32,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || (*writer).write(slice_of(columns, column_count as usize), rows as usize))
}

/// Writes the footer; frees the writer whatever happens.
#[no_mangle]
pub unsafe extern "C" fn capi_ipc_writer_close(writer: *mut IpcWriter, failure: *mut Failure) -> i32 {
    guard(failure, || Box::from_raw(writer).close())
}

#[no_mangle]
pub unsafe extern "C" fn capi_ipc_writer_free(writer: *mut IpcWriter) {
    guard(std::ptr::null_mut(), || {
        drop(Box::from_raw(writer));
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn capi_pq_reorder(
    file: *const File,
    order: *const u32,
    row_count: u64,
    output: *const Output,
    codec: *const u8,
    codec_bytes: usize,
    failure: *mut Failure,
) -> i32 {
    guard(failure, || {
        let codec = String::from_utf8_lossy(slice_of(codec, codec_bytes)).into_owned();
        reorder::reorder(&*file, slice_of(order, row_count as usize), *output, &codec)
    })
}
