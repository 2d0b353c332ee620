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
use std::sync::{Arc, Mutex};

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

/// What the reader of a row group wants to know of the pages of one column.
#[derive(Default)]
pub struct Tally {
    /// How many values were given or skipped.
    pub seen: AtomicU64,
    /// Why they ended: what is between here and there keeps only the words of an error.
    pub error: Mutex<Option<ParquetError>>,
}

pub struct Pages {
    input: Input,
    chunk: Chunk,
    at: u64,
    end: u64,
    header: Option<Header>,
    seen: u64,
    tally: Arc<Tally>,
    dictionary: Charge,
    page: Charge,
    has_dictionary: bool,
}

const HEADER_BYTES_FIRST: usize = 256;
const HEADER_BYTES_MAX: usize = 16 << 20;

impl Pages {
    pub fn new(input: Input, chunk: Chunk, tally: Arc<Tally>) -> Result<Self> {
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
            if self.chunk.rows == self.seen {
                return Ok(None);
            }
            if self.at >= self.end {
                return Err(general(format!("it ends after {} of {} values", self.seen, self.chunk.rows)));
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
            self.tally.seen.store(self.seen, Ordering::Relaxed);
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
                let prefix_sum = check_prefixes(values, header.value_count)?;
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
    let from = index * width;
    let mut window = [0; 16];
    let part = &bytes[from / 8..(from + width).div_ceil(8)];
    window[..part.len()].copy_from_slice(part);
    let bits = u128::from_le_bytes(window) >> (from % 8);
    (bits & ((1u128 << width) - 1)) as u64
}

/// DELTA_BINARY_PACKED lengths, one after the other.
struct Lengths<'a> {
    bytes: &'a [u8],
    at: usize,
    shape: DeltaShape,
    left: u32,
    is_first: bool,
    value: i64,
    least: i64,
    widths: &'a [u8], // of the parts of the block that are still to come
    part: &'a [u8],
    width: usize,
    index: usize, // in the part
}

impl<'a> Lengths<'a> {
    fn new(bytes: &'a [u8], value_count: u32) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        let shape = delta_shape(&mut cursor, value_count)?;
        let value = cursor.zigzag()?;
        let per_part = (shape.block / shape.miniblocks) as usize;
        Ok(Lengths {
            bytes,
            at: cursor.at(),
            left: shape.count,
            shape,
            is_first: true,
            value,
            least: 0,
            widths: &[],
            part: &[],
            width: 0,
            index: per_part,
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let bytes = self.bytes.get(self.at..).and_then(|bytes| bytes.get(..count));
        self.at += count;
        bytes.ok_or_else(|| general("encoded lengths are cut off"))
    }

    fn start_part(&mut self, per_part: usize) -> Result<()> {
        if self.widths.is_empty() {
            let mut head = Cursor::new(self.bytes.get(self.at..).unwrap_or_default());
            self.least = head.zigzag()?;
            self.at += head.at();
            self.widths = self.take(self.shape.miniblocks as usize)?;
        }
        self.width = self.widths[0] as usize;
        self.widths = &self.widths[1..];
        if self.width > 64 {
            return Err(general("a number has more than 64 bits"));
        }
        self.part = self.take(per_part * self.width / 8)?;
        self.index = 0;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<u64>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if self.is_first {
            self.is_first = false;
            return length_of(self.value).map(Some);
        }
        let per_part = (self.shape.block / self.shape.miniblocks) as usize;
        if self.index == per_part {
            self.start_part(per_part)?;
        }
        let delta = self.least.wrapping_add(unpack_bits(self.part, self.width, self.index) as i64);
        self.index += 1;
        self.value = self.value.wrapping_add(delta);
        length_of(self.value).map(Some)
    }

    /// What follows the lengths, all of which have been taken.
    fn rest(&self) -> Result<&'a [u8]> {
        self.bytes.get(self.at..).ok_or_else(|| general("encoded lengths are cut off"))
    }
}

/// The sum of all lengths, and what follows them.
fn sum_of_lengths(bytes: &[u8], value_count: u32) -> Result<(u64, &[u8])> {
    let mut lengths = Lengths::new(bytes, value_count)?;
    let mut sum = 0;
    while let Some(length) = lengths.next()? {
        sum += length;
    }
    Ok((sum, lengths.rest()?))
}

/// Of DELTA_BYTE_ARRAY: what all prefixes take that are copied from the text before, which must be as long.
fn check_prefixes(bytes: &[u8], value_count: u32) -> Result<u64> {
    let (sum, rest) = sum_of_lengths(bytes, value_count)?;
    let mut prefixes = Lengths::new(bytes, value_count)?;
    let mut suffixes = Lengths::new(rest, value_count)?;
    let mut before = 0;
    loop {
        match (prefixes.next()?, suffixes.next()?) {
            (None, None) => return Ok(sum),
            (Some(prefix), Some(_)) if prefix > before => {
                return Err(general(format!("a text begins with {prefix} bytes of the one before, which has {before}")));
            }
            (Some(prefix), Some(suffix)) => before = prefix + suffix,
            _ => return Err(general("there are not as many beginnings of texts as ends")),
        }
    }
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

impl Pages {
    fn next_page(&mut self) -> Result<Option<Page>> {
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

    fn noted<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            let words = general(error.to_string());
            *self.tally.error.lock().unwrap() = Some(error);
            words
        })
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.next_page();
        self.noted(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let header = self.peek();
        Ok(self.noted(header)?.map(|header| {
            let is_dict = header.kind == PageKind::Dictionary;
            PageMetadata {
                num_rows: (!is_dict).then_some(header.value_count as usize),
                num_levels: None,
                is_dict,
            }
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        let taken = self.take().map(|_| ());
        self.noted(taken)
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(true)
    }
}
