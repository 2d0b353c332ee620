//! The pages of one column chunk.
//!
//! Every size is checked and charged to the caller's memory budget before anything is allocated by it; the values of all
//! pages together must be the rows of the row group.

use crate::codec;
use crate::failure::{general, OverBudget};
use crate::header::{Header, PageKind};
use crate::thrift::Cursor;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// A file and a memory budget of the C side: `capi_pq_input` of bridge.h. Any thread may call them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Input {
    read: extern "C" fn(*mut c_void, u64, *mut u8, usize) -> i32,
    charge: extern "C" fn(*mut c_void, i64) -> i32,
    context: *mut c_void,
    pub size: u64,
}

unsafe impl Send for Input {}
unsafe impl Sync for Input {}

impl Input {
    /// Bytes of the file, in charged memory if the caller charged it.
    pub fn bytes(&self, offset: u64, count: usize) -> Result<Vec<u8>> {
        if offset > self.size || count as u64 > self.size - offset {
            return Err(general(format!(
                "{count} bytes at offset {offset} reach past the end of the file, which has {} bytes",
                self.size
            )));
        }
        let mut bytes = Vec::with_capacity(count);
        if (self.read)(self.context, offset, bytes.as_mut_ptr(), count) != 0 {
            return Err(general("the file cannot be read"));
        }
        unsafe { bytes.set_len(count) };
        Ok(bytes)
    }

    pub fn charge(&self, bytes: u64) -> Result<()> {
        match (self.charge)(self.context, bytes as i64) {
            0 => Ok(()),
            _ => Err(ParquetError::External(Box::new(OverBudget))),
        }
    }

    pub fn release(&self, bytes: u64) {
        (self.charge)(self.context, -(bytes as i64));
    }
}

/// What is charged and goes with its owner.
pub struct Charge {
    input: Input,
    bytes: u64,
}

impl Charge {
    pub fn new(input: Input) -> Self {
        Charge { input, bytes: 0 }
    }

    pub fn set(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.bytes {
            self.input.charge(bytes - self.bytes)?;
        } else if bytes < self.bytes {
            self.input.release(self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.input.release(self.bytes);
        }
    }
}

/// Of a column chunk, as its row group describes it.
#[derive(Clone)]
pub struct Chunk {
    pub offset: u64,
    pub bytes: u64,
    pub codec: Compression,
    pub physical: Type,
    pub type_bytes: usize, // of FIXED_LEN_BYTE_ARRAY
    pub is_optional: bool,
    pub rows: u64,
}

pub struct Pages {
    input: Input,
    chunk: Chunk,
    at: u64,
    end: u64,
    header: Option<Header>,
    seen: u64,
    /// How many values were given or skipped; the reader of the row group looks at the end.
    tally: Arc<AtomicU64>,
    dictionary: Charge,
    page: Charge,
    has_dictionary: bool,
}

const HEADER_BYTES_FIRST: usize = 256;
const HEADER_BYTES_MAX: usize = 16 << 20;

impl Pages {
    pub fn new(input: Input, chunk: Chunk, tally: Arc<AtomicU64>) -> Result<Self> {
        let end = match chunk.offset.checked_add(chunk.bytes) {
            Some(end) if end <= input.size => end,
            _ => return Err(general("a column chunk reaches past the end of the file")),
        };
        Ok(Pages {
            input,
            at: chunk.offset,
            end,
            chunk,
            header: None,
            seen: 0,
            tally,
            dictionary: Charge::new(input),
            page: Charge::new(input),
            has_dictionary: false,
        })
    }

    fn read_header(&mut self) -> Result<Header> {
        let left = (self.end - self.at) as usize;
        let mut count = left.min(HEADER_BYTES_FIRST);
        loop {
            let bytes = self.input.bytes(self.at, count)?;
            if let Some((header, taken)) = Header::parse(&bytes)? {
                self.at += taken as u64;
                if header.bytes_packed as u64 > self.end - self.at {
                    return Err(general(format!("a page of {} bytes reaches past its column chunk", header.bytes_packed)));
                }
                return Ok(header);
            }
            if count >= left.min(HEADER_BYTES_MAX) {
                return Err(general("a page header is cut off"));
            }
            count = (count * 8).min(left).min(HEADER_BYTES_MAX);
        }
    }

    /// The header of the next page that matters; None at the end of the chunk.
    fn peek(&mut self) -> Result<Option<Header>> {
        while self.header.is_none() {
            if self.at >= self.end || (self.chunk.rows == self.seen) {
                return Ok(None);
            }
            let header = self.read_header()?;
            if header.kind == PageKind::Other {
                self.at += header.bytes_packed as u64;
            } else {
                self.header = Some(header);
            }
        }
        Ok(self.header.clone())
    }

    /// Takes the page that was peeked; its bytes begin at the offset that is returned.
    fn take(&mut self) -> Result<Option<(Header, u64)>> {
        let Some(header) = self.peek()? else { return Ok(None) };
        let at = self.at;
        self.header = None;
        self.at += header.bytes_packed as u64;
        if header.kind != PageKind::Dictionary {
            self.seen += u64::from(header.value_count);
            if self.seen > self.chunk.rows {
                return Err(general(format!("a column has {} values or more, its row group {} rows", self.seen, self.chunk.rows)));
            }
            if header.kind == PageKind::DataV2 && header.row_count != header.value_count {
                return Err(general("a page has another number of rows than of values"));
            }
            self.tally.store(self.seen, Ordering::Relaxed);
        }
        Ok(Some((header, at)))
    }

    fn load(&mut self, header: &Header, at: u64) -> Result<Bytes> {
        let is_packed = self.chunk.codec != Compression::UNCOMPRESSED && header.is_packed;
        let charged = (header.bytes_packed as u64) + if is_packed { header.bytes_unpacked as u64 } else { 0 };
        if header.kind == PageKind::Dictionary { &mut self.dictionary } else { &mut self.page }.set(charged)?;
        let packed = self.input.bytes(at, header.bytes_packed)?;
        if header.crc.is_some_and(|crc| crc != crc32fast::hash(&packed)) {
            return Err(general("a page does not match its checksum"));
        }
        if !is_packed {
            if packed.len() != header.bytes_unpacked {
                return Err(general("a page that is not packed has two sizes"));
            }
            return Ok(Bytes::from(packed));
        }
        let levels = (header.def_level_bytes as usize).saturating_add(header.rep_level_bytes as usize);
        if header.kind != PageKind::DataV2 || levels == 0 {
            return Ok(Bytes::from(codec::unpack(self.chunk.codec, &packed, header.bytes_unpacked)?));
        }
        if levels > packed.len() || levels > header.bytes_unpacked {
            return Err(general("the levels of a page are longer than the page"));
        }
        let values = codec::unpack(self.chunk.codec, &packed[levels..], header.bytes_unpacked - levels)?;
        let mut whole = Vec::with_capacity(header.bytes_unpacked);
        whole.extend_from_slice(&packed[..levels]);
        whole.extend_from_slice(&values);
        Ok(Bytes::from(whole))
    }

    fn least_bits(&self) -> u64 {
        match self.chunk.physical {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 32,
            Type::INT64 | Type::DOUBLE => 64,
            Type::INT96 => 96,
            Type::FIXED_LEN_BYTE_ARRAY => 8 * self.chunk.type_bytes as u64,
        }
    }

    fn check_dictionary(&self, header: &Header, bytes: &Bytes) -> Result<()> {
        if self.has_dictionary || self.seen > 0 {
            return Err(general("a dictionary stands where it may not"));
        }
        if u64::from(header.value_count) * self.least_bits() > 8 * bytes.len() as u64 {
            return Err(general(format!("a dictionary of {} values in {} bytes", header.value_count, bytes.len())));
        }
        Ok(())
    }

    /// The values behind the levels.
    fn values_of<'a>(&self, header: &Header, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let cut = || general("the levels of a page are longer than the page");
        let levels = if header.kind == PageKind::DataV2 {
            header.def_level_bytes as usize + header.rep_level_bytes as usize
        } else if !self.chunk.is_optional {
            0
        } else {
            #[allow(deprecated)]
            if header.level_encoding == Encoding::BIT_PACKED {
                (header.value_count as usize).div_ceil(8)
            } else {
                let size = bytes.get(0..4).ok_or_else(cut)?;
                4 + u32::from_le_bytes(size.try_into().unwrap()) as usize
            }
        };
        bytes.get(levels..).ok_or_else(cut)
    }

    /// Decoders of these encodings allocate by counts that lie among the values.
    fn check_delta(&mut self, header: &Header, bytes: &[u8]) -> Result<()> {
        let values = self.values_of(header, bytes)?;
        let mut charged = bytes.len() as u64 + header.bytes_packed as u64;
        match header.encoding {
            Encoding::DELTA_BINARY_PACKED => {
                delta_head(values, header.value_count)?;
            }
            Encoding::DELTA_LENGTH_BYTE_ARRAY => charged += 4 * u64::from(delta_head(values, header.value_count)?),
            Encoding::DELTA_BYTE_ARRAY => {
                let (prefix_sum, rest) = delta_sum(values, header.value_count)?;
                delta_head(rest, header.value_count)?;
                charged += 8 * u64::from(header.value_count) + prefix_sum;
            }
            _ => return Ok(()),
        }
        self.page.set(charged)
    }
}

/// The count at the head of DELTA_BINARY_PACKED numbers, checked.
fn delta_head(bytes: &[u8], value_count: u32) -> Result<u32> {
    let mut cursor = Cursor::new(bytes);
    delta_shape(&mut cursor, value_count).map(|shape| shape.count)
}

struct DeltaShape {
    block: u64,
    miniblocks: u64,
    count: u32,
}

fn delta_shape(cursor: &mut Cursor, value_count: u32) -> Result<DeltaShape> {
    let block = cursor.varint()?;
    let miniblocks = cursor.varint()?;
    let count = cursor.varint()?;
    if block == 0 || block > 1 << 20 || miniblocks == 0 || block % miniblocks != 0 || (block / miniblocks) % 8 != 0 {
        return Err(general(format!("blocks of {block} values in {miniblocks} parts")));
    }
    if count > u64::from(value_count) {
        return Err(general(format!("{count} encoded values in a page of {value_count}")));
    }
    Ok(DeltaShape { block, miniblocks, count: count as u32 })
}

fn unpack_bits(bytes: &[u8], width: usize, index: usize) -> u64 {
    let mut value = 0u64;
    for bit in 0..width {
        let at = index * width + bit;
        value |= u64::from(bytes[at / 8] >> (at % 8) & 1) << bit;
    }
    value
}

/// The sum of DELTA_BINARY_PACKED lengths, and what follows them.
fn delta_sum(bytes: &[u8], value_count: u32) -> Result<(u64, &[u8])> {
    let cut = || general("encoded lengths are cut off");
    let mut cursor = Cursor::new(bytes);
    let shape = delta_shape(&mut cursor, value_count)?;
    let per_part = (shape.block / shape.miniblocks) as usize;
    let mut value = cursor.zigzag()?;
    let mut at = cursor.at();
    let mut left = u64::from(shape.count.saturating_sub(1));
    let mut sum = if shape.count > 0 { length_of(value)? } else { 0 };
    while left > 0 {
        let mut head = Cursor::new(bytes.get(at..).ok_or_else(cut)?);
        let least = head.zigzag()?;
        at += head.at();
        let widths = bytes.get(at..at + shape.miniblocks as usize).ok_or_else(cut)?;
        at += shape.miniblocks as usize;
        for &width in widths {
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(general("a number has more than 64 bits"));
            }
            let part = bytes.get(at..at + per_part * width as usize / 8).ok_or_else(cut)?;
            at += part.len();
            for index in 0..per_part.min(left as usize) {
                value = value.wrapping_add(least).wrapping_add(unpack_bits(part, width as usize, index) as i64);
                sum += length_of(value)?;
            }
            left -= per_part.min(left as usize) as u64;
        }
    }
    Ok((sum, bytes.get(at..).ok_or_else(cut)?))
}

fn length_of(value: i64) -> Result<u64> {
    i32::try_from(value)
        .ok()
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| general(format!("a text of {value} bytes")))
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some((header, at)) = self.take()? else { return Ok(None) };
        let buf = self.load(&header, at)?;
        if header.kind == PageKind::Dictionary {
            self.check_dictionary(&header, &buf)?;
            self.has_dictionary = true;
            return Ok(Some(Page::DictionaryPage {
                buf,
                num_values: header.value_count,
                encoding: header.encoding,
                is_sorted: header.is_sorted,
            }));
        }
        self.check_delta(&header, &buf)?;
        Ok(Some(if header.kind == PageKind::Data {
            Page::DataPage {
                buf,
                num_values: header.value_count,
                encoding: header.encoding,
                def_level_encoding: header.level_encoding,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            }
        } else {
            Page::DataPageV2 {
                buf,
                num_values: header.value_count,
                encoding: header.encoding,
                num_nulls: header.null_count,
                num_rows: header.row_count,
                def_levels_byte_len: header.def_level_bytes,
                rep_levels_byte_len: header.rep_level_bytes,
                is_compressed: false,
                statistics: None,
            }
        }))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Ok(self.peek()?.map(|header| {
            let is_dict = header.kind == PageKind::Dictionary;
            PageMetadata {
                num_rows: (!is_dict).then_some(header.value_count as usize),
                num_levels: None,
                is_dict,
            }
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.take().map(|_| ())
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(true)
    }
}
