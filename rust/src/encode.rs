//! Encodes the column chunk of one row group: a dictionary if it is worth its while, and pages of data, all packed.
//!
//! Where pages end depends on the values alone, so that a file is the same however its rows were gathered.

use crate::codec::Packer;
use crate::dictionary::{build, put_numbers, put_varint, width_of, Dictionary, Texts, Words};
use crate::failure::general;
use crate::writer::Kind;
use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;

/// The values of a column of a row group; texts as PLAIN has them.
pub enum Values<'a> {
    Text(Texts<'a>),
    Words(&'a [u64]),
    Bools(&'a [u8]),
}

pub struct Column<'a> {
    pub kind: Kind,
    pub values: Values<'a>,
    /// Of words: this one is null.
    pub null: Option<u64>,
    pub rows: usize,
}

/// What is appended to the file.
pub struct Chunk {
    pub bytes: Vec<u8>,
    /// Of the dictionary's page at the start, 0: there is none.
    pub dictionary_bytes: usize,
    pub bytes_unpacked: u64,
    pub encodings: Vec<Encoding>,
    pub statistics: Statistics,
}

const PAGE_BYTES: usize = 256 << 10;
const PAGE_ROWS_PLAIN: usize = 1 << 16;
const PAGE_ROWS_WORDS: usize = PAGE_BYTES / 8;
const PAGE_ROWS_BOOLS: usize = 1 << 18;
const PAGE_ROWS_NUMBERS: usize = PAGE_BYTES / 2;
/// Longer texts are not put into the statistics.
const STATISTICS_BYTES_MAX: usize = 256;

enum PageKind {
    Data = 0,
    Dictionary = 2,
}

/// Thrift's compact protocol, of which a page header needs this: the next field is an i32, or a struct of i32s.
struct HeaderWriter<'a> {
    to: &'a mut Vec<u8>,
    last_id: u8,
}

impl HeaderWriter<'_> {
    const I32: u8 = 5;
    const STRUCT: u8 = 12;

    fn i32(&mut self, id: u8, value: i32) {
        self.to.push((id - self.last_id) << 4 | Self::I32);
        put_varint(((value << 1) ^ (value >> 31)) as u32 as u64, self.to);
        self.last_id = id;
    }

    fn structure(&mut self, id: u8, values: &[i32]) {
        self.to.push((id - self.last_id) << 4 | Self::STRUCT);
        let mut inner = HeaderWriter { to: &mut *self.to, last_id: 0 };
        for (index, &value) in values.iter().enumerate() {
            inner.i32(index as u8 + 1, value);
        }
        self.to.push(0);
        self.last_id = id;
    }
}

const PLAIN: i32 = 0;
const RLE: i32 = 3;
const RLE_DICTIONARY: i32 = 8;

/// Encodes one chunk after the other; of one thread.
pub struct Encoder {
    packer: Packer,
    page: Vec<u8>,
    packed: Vec<u8>,
    chunk: Vec<u8>,
    bytes_unpacked: u64,
}

fn size_of_page(bytes: usize) -> Result<i32> {
    i32::try_from(bytes).map_err(|_| general(format!("a page of {bytes} bytes is too much for a Parquet file")))
}

impl Encoder {
    pub fn new(packer: Packer) -> Encoder {
        Encoder { packer, page: Vec::new(), packed: Vec::new(), chunk: Vec::new(), bytes_unpacked: 0 }
    }

    /// Packs `self.page` and puts it behind the others.
    fn end_page(&mut self, kind: PageKind, values: usize, encoding: i32) -> Result<()> {
        let packed = self.packer.pack(&self.page, &mut self.packed)?;
        let header_at = self.chunk.len();
        let mut header = HeaderWriter { to: &mut self.chunk, last_id: 0 };
        let is_data = matches!(kind, PageKind::Data);
        header.i32(1, kind as i32);
        header.i32(2, size_of_page(self.page.len())?);
        header.i32(3, size_of_page(packed.len())?);
        if is_data {
            header.structure(5, &[values as i32, encoding, RLE, RLE]);
        } else {
            header.structure(7, &[values as i32, encoding]);
        }
        self.chunk.push(0);
        self.bytes_unpacked += (self.chunk.len() - header_at + self.page.len()) as u64;
        self.chunk.extend_from_slice(packed);
        self.page.clear();
        Ok(())
    }

    /// The definition levels of a page's rows: how many values there are.
    fn put_levels(&mut self, rows: usize, is_given: impl Fn(usize) -> bool, has_nulls: bool) -> usize {
        let size_at = self.page.len();
        let mut given = rows;
        self.page.extend_from_slice(&[0; 4]);
        if !has_nulls {
            put_varint((rows as u64) << 1, &mut self.page);
            self.page.push(1);
        } else {
            given = 0;
            put_varint((rows.div_ceil(8) as u64) << 1 | 1, &mut self.page);
            for from in (0..rows).step_by(8) {
                let mut bits = 0u8;
                for row in from..rows.min(from + 8) {
                    bits |= u8::from(is_given(row)) << (row - from);
                }
                given += bits.count_ones() as usize;
                self.page.push(bits);
            }
        }
        let size = (self.page.len() - size_at - 4) as u32;
        self.page[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
        given
    }

    fn put_no_nulls(&mut self, rows: usize) {
        self.put_levels(rows, |_| true, false);
    }

    fn put_plain_texts(&mut self, texts: &Texts, rows: usize) -> Result<()> {
        let mut from = 0;
        while from < rows {
            let limit = texts.offsets[from] as usize + PAGE_BYTES;
            let most = rows.min(from + PAGE_ROWS_PLAIN);
            // The page ends with the row that fills it.
            let end = from + 1 + texts.offsets[from + 1..most].partition_point(|&offset| (offset as usize) < limit);
            self.put_no_nulls(end - from);
            self.page.extend_from_slice(&texts.values[texts.offsets[from] as usize..texts.offsets[end] as usize]);
            self.end_page(PageKind::Data, end - from, PLAIN)?;
            from = end;
        }
        Ok(())
    }

    fn put_plain_words(&mut self, words: &[u64], null: Option<u64>) -> Result<()> {
        for page in words.chunks(PAGE_ROWS_WORDS) {
            match null.filter(|null| page.contains(null)) {
                None => {
                    self.put_no_nulls(page.len());
                    put_words(page, &mut self.page);
                }
                Some(null) => {
                    self.put_levels(page.len(), |row| page[row] != null, true);
                    for word in page.iter().filter(|&&word| word != null) {
                        self.page.extend_from_slice(&word.to_le_bytes());
                    }
                }
            }
            self.end_page(PageKind::Data, page.len(), PLAIN)?;
        }
        Ok(())
    }

    fn put_bools(&mut self, bools: &[u8]) -> Result<()> {
        for page in bools.chunks(PAGE_ROWS_BOOLS) {
            self.put_no_nulls(page.len());
            for eight in page.chunks(8) {
                let bits = eight.iter().enumerate().fold(0, |bits, (index, &bool)| bits | u8::from(bool != 0) << index);
                self.page.push(bits);
            }
            self.end_page(PageKind::Data, page.len(), PLAIN)?;
        }
        Ok(())
    }

    /// The pages of indexes; words: what tells nulls.
    fn put_indexes(&mut self, dictionary: &Dictionary, rows: usize, nulls: Option<(&[u64], u64)>) -> Result<()> {
        let width = width_of(dictionary.rows.len());
        let mut numbers = &dictionary.numbers[..];
        for from in (0..rows).step_by(PAGE_ROWS_NUMBERS) {
            let count = PAGE_ROWS_NUMBERS.min(rows - from);
            let given = match nulls {
                Some((words, null)) if words[from..from + count].contains(&null) => {
                    self.put_levels(count, |row| words[from + row] != null, true)
                }
                _ => self.put_levels(count, |_| true, false),
            };
            self.page.push(width);
            put_numbers(&numbers[..given], width, &mut self.page);
            numbers = &numbers[given..];
            self.end_page(PageKind::Data, count, RLE_DICTIONARY)?;
        }
        Ok(())
    }
}

fn put_words(words: &[u64], to: &mut Vec<u8>) {
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), words.len() * 8) };
    to.extend_from_slice(bytes); // little-endian, as all machines that this runs on
}

// ---- statistics ----

/// A text's first bytes as a number that orders as they do.
fn head_of(text: &[u8]) -> u64 {
    let mut head = [0; 8];
    let count = text.len().min(8);
    head[..count].copy_from_slice(&text[..count]);
    u64::from_be_bytes(head)
}

fn text_statistics(texts: &Texts, rows: impl Iterator<Item = usize>) -> Statistics {
    let mut least: Option<(u64, &[u8])> = None;
    let mut most: Option<(u64, &[u8])> = None;
    for row in rows {
        let text = &texts.get(row)[4..];
        let head = head_of(text);
        if least.is_none_or(|(other, _)| head <= other) && least.is_none_or(|least| (head, text) < least) {
            least = Some((head, text));
        }
        if most.is_none_or(|(other, _)| head >= other) && most.is_none_or(|most| (head, text) > most) {
            most = Some((head, text));
        }
    }
    let bound = |end: Option<(u64, &[u8])>| {
        end.map(|(_, text)| text).filter(|text| text.len() <= STATISTICS_BYTES_MAX).map(|text| ByteArray::from(text.to_vec()))
    };
    Statistics::byte_array(bound(least), bound(most), None, Some(0), false)
}

fn float_statistics(words: &[u64]) -> Statistics {
    let values = || words.iter().map(|&word| f64::from_bits(word)).filter(|value| !value.is_nan());
    // Zeros have two signs, which readers compare differently: the bounds hold for both.
    let least = values().reduce(f64::min).map(|value| if value == 0.0 { -0.0 } else { value });
    let most = values().reduce(f64::max).map(|value| if value == 0.0 { 0.0 } else { value });
    Statistics::double(least, most, None, Some(0), false)
}

fn int_statistics(words: &[u64], null: Option<u64>) -> Statistics {
    let mut nulls = 0;
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for &word in words {
        if Some(word) == null {
            nulls += 1;
        } else {
            least = least.min(word as i64);
            most = most.max(word as i64);
        }
    }
    let has_values = nulls < words.len();
    Statistics::int64(has_values.then_some(least), has_values.then_some(most), None, Some(nulls as u64), false)
}

fn bool_statistics(bools: &[u8]) -> Statistics {
    let least = bools.iter().all(|&bool| bool != 0);
    let most = bools.iter().any(|&bool| bool != 0);
    Statistics::boolean(Some(least), Some(most), None, Some(0), false)
}

// ---- a chunk ----

/// The dictionary's page, then the indexes.
fn put_dictionary(
    encoder: &mut Encoder,
    column: &Column,
    dictionary: &Dictionary,
    put_value: impl Fn(usize, &mut Vec<u8>),
) -> Result<usize> {
    for &row in &dictionary.rows {
        put_value(row as usize, &mut encoder.page);
    }
    encoder.end_page(PageKind::Dictionary, dictionary.rows.len(), PLAIN)?;
    let dictionary_bytes = encoder.chunk.len();
    let nulls = match (&column.values, column.null) {
        (Values::Words(words), Some(null)) => Some((*words, null)),
        _ => None,
    };
    encoder.put_indexes(dictionary, column.rows, nulls)?;
    Ok(dictionary_bytes)
}

impl Encoder {
    fn put_text_column(&mut self, column: &Column, texts: &Texts) -> Result<(usize, Statistics)> {
        let plain_bytes = (texts.offsets[column.rows] - texts.offsets[0]) as usize;
        let Some(dictionary) = build(texts, column.rows, |_| true, plain_bytes) else {
            self.put_plain_texts(texts, column.rows)?;
            return Ok((0, text_statistics(texts, 0..column.rows)));
        };
        let put = |row, to: &mut Vec<u8>| to.extend_from_slice(texts.get(row));
        let dictionary_bytes = put_dictionary(self, column, &dictionary, put)?;
        Ok((dictionary_bytes, text_statistics(texts, dictionary.rows.iter().map(|&row| row as usize))))
    }

    fn put_word_column(&mut self, column: &Column, words: &[u64]) -> Result<(usize, Statistics)> {
        let is_given = |row: usize| Some(words[row]) != column.null;
        let dictionary_bytes = match build(&Words(words), column.rows, is_given, column.rows * 8) {
            Some(dictionary) => {
                let put = |row: usize, to: &mut Vec<u8>| to.extend_from_slice(&words[row].to_le_bytes());
                put_dictionary(self, column, &dictionary, put)?
            }
            None => {
                self.put_plain_words(words, column.null)?;
                0
            }
        };
        let statistics = match column.kind {
            Kind::Float => float_statistics(words),
            _ => int_statistics(words, column.null),
        };
        Ok((dictionary_bytes, statistics))
    }

    /// memory: what the chunk may lie in.
    pub fn encode(&mut self, column: &Column, memory: Vec<u8>) -> Result<Chunk> {
        self.page.clear();
        self.chunk = memory;
        self.chunk.clear();
        self.bytes_unpacked = 0;
        let (dictionary_bytes, statistics) = match &column.values {
            Values::Text(texts) => self.put_text_column(column, texts)?,
            Values::Words(words) => self.put_word_column(column, words)?,
            Values::Bools(bools) => {
                self.put_bools(bools)?;
                (0, bool_statistics(bools))
            }
        };
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        if dictionary_bytes > 0 {
            encodings.push(Encoding::RLE_DICTIONARY);
        }
        let bytes = std::mem::take(&mut self.chunk);
        Ok(Chunk { bytes, dictionary_bytes, bytes_unpacked: self.bytes_unpacked, encodings, statistics })
    }
}
