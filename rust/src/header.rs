//! Page headers.

use crate::failure::general;
use crate::thrift::{is_short, kind, Cursor};
use parquet::basic::Encoding;
use parquet::errors::Result;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PageKind {
    Data,
    DataV2,
    Dictionary,
    Other,
}

#[derive(Clone, Debug)]
pub struct Header {
    pub kind: PageKind,
    pub bytes_unpacked: usize,
    pub bytes_packed: usize,
    pub crc: Option<u32>,
    pub value_count: u32,
    pub encoding: Encoding,
    pub level_encoding: Encoding,
    pub null_count: u32,
    pub row_count: u32,
    pub def_level_bytes: u32,
    pub rep_level_bytes: u32,
    pub is_packed: bool,
    pub is_sorted: bool,
}

fn encoding_of(number: i32) -> Result<Encoding> {
    #[allow(deprecated)]
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(general(format!("a page has the unknown encoding {number}"))),
    })
}

fn count_of(number: i64) -> Result<u32> {
    match i32::try_from(number) {
        Ok(count) if count >= 0 => Ok(count as u32),
        _ => Err(general(format!("a page header holds the count {number}"))),
    }
}

impl Header {
    fn empty() -> Self {
        Header {
            kind: PageKind::Other,
            bytes_unpacked: 0,
            bytes_packed: 0,
            crc: None,
            value_count: 0,
            encoding: Encoding::PLAIN,
            level_encoding: Encoding::RLE,
            null_count: 0,
            row_count: 0,
            def_level_bytes: 0,
            rep_level_bytes: 0,
            is_packed: true,
            is_sorted: false,
        }
    }

    /// The header of a data page (1), a dictionary (2) or a data page v2 (3).
    fn read_part(&mut self, cursor: &mut Cursor, kind: PageKind) -> Result<()> {
        let mut last_id = 0;
        while let Some(field) = cursor.field(last_id)? {
            last_id = field.id;
            let is_number = field.kind == kind::I32;
            match (kind, field.id) {
                (_, 1) if is_number => self.value_count = count_of(cursor.zigzag()?)?,
                (PageKind::Data | PageKind::Dictionary, 2) if is_number => self.encoding = encoding_of(cursor.i32()?)?,
                (PageKind::Data, 3) if is_number => self.level_encoding = encoding_of(cursor.i32()?)?,
                (PageKind::Dictionary, 3) => self.is_sorted = field.kind == kind::TRUE,
                (PageKind::DataV2, 2) if is_number => self.null_count = count_of(cursor.zigzag()?)?,
                (PageKind::DataV2, 3) if is_number => self.row_count = count_of(cursor.zigzag()?)?,
                (PageKind::DataV2, 4) if is_number => self.encoding = encoding_of(cursor.i32()?)?,
                (PageKind::DataV2, 5) if is_number => self.def_level_bytes = count_of(cursor.zigzag()?)?,
                (PageKind::DataV2, 6) if is_number => self.rep_level_bytes = count_of(cursor.zigzag()?)?,
                (PageKind::DataV2, 7) => self.is_packed = field.kind != kind::FALSE,
                _ => cursor.skip(field.kind, 1)?,
            }
        }
        Ok(())
    }

    fn read(cursor: &mut Cursor) -> Result<Self> {
        let mut header = Header::empty();
        let mut has = (false, false, false, PageKind::Other);
        let mut last_id = 0;
        while let Some(field) = cursor.field(last_id)? {
            last_id = field.id;
            match (field.id, field.kind) {
                (1, kind::I32) => {
                    header.kind = match cursor.zigzag()? {
                        0 => PageKind::Data,
                        2 => PageKind::Dictionary,
                        3 => PageKind::DataV2,
                        _ => PageKind::Other,
                    };
                    has.0 = true;
                }
                (2, kind::I32) => {
                    header.bytes_unpacked = count_of(cursor.zigzag()?)? as usize;
                    has.1 = true;
                }
                (3, kind::I32) => {
                    header.bytes_packed = count_of(cursor.zigzag()?)? as usize;
                    has.2 = true;
                }
                (4, kind::I32) => header.crc = Some(cursor.i32()? as u32),
                (5, kind::STRUCT) => {
                    has.3 = PageKind::Data;
                    header.read_part(cursor, PageKind::Data)?
                }
                (7, kind::STRUCT) => {
                    has.3 = PageKind::Dictionary;
                    header.read_part(cursor, PageKind::Dictionary)?
                }
                (8, kind::STRUCT) => {
                    has.3 = PageKind::DataV2;
                    header.read_part(cursor, PageKind::DataV2)?
                }
                _ => cursor.skip(field.kind, 1)?,
            }
        }
        if !(has.0 && has.1 && has.2 && has.3 == header.kind) {
            return Err(general("a page header lacks a part"));
        }
        Ok(header)
    }

    /// The header at the start of `bytes` and how many it takes; None if it is longer than that.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut cursor = Cursor::new(bytes);
        match Header::read(&mut cursor) {
            Ok(header) => Ok(Some((header, cursor.at()))),
            Err(error) if is_short(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
