//! The part of Thrift's compact protocol that page headers need, and a check of whole footers before the parquet crate
//! reads them: it trusts the counts of lists and reserves memory by them.

use crate::failure::general;
use parquet::errors::Result;

const DEPTH_MAX: u32 = 32;

pub mod kind {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const MAP: u8 = 11;
    pub const STRUCT: u8 = 12;
}

pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A field of a struct: its number and its kind.
pub struct Field {
    pub id: i16,
    pub kind: u8,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Fails with `is_short` only when bytes are missing.
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| short("a value"))?;
        self.at += 1;
        Ok(byte)
    }

    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(general("a number has more than 64 bits"))
    }

    pub fn zigzag(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub fn i32(&mut self) -> Result<i32> {
        i32::try_from(self.zigzag()?).map_err(|_| general("a number has more than 32 bits"))
    }

    /// The next field, or None at the end of the struct.
    pub fn field(&mut self, last_id: i16) -> Result<Option<Field>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let delta = i16::from(byte >> 4);
        let id = if delta != 0 {
            last_id.wrapping_add(delta)
        } else {
            i16::try_from(self.zigzag()?).map_err(|_| general("a field number has more than 16 bits"))?
        };
        Ok(Some(Field { id, kind: byte & 15 }))
    }

    fn jump(&mut self, count: u64) -> Result<()> {
        if count > self.left() as u64 {
            return Err(short("a text"));
        }
        self.at += count as usize;
        Ok(())
    }

    fn skip_list(&mut self, depth: u32) -> Result<()> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Every element takes at least a byte.
        if count > self.left() as u64 {
            return Err(general(format!("a list of {count} elements in {} bytes", self.left())));
        }
        for _ in 0..count {
            match head & 15 {
                kind::TRUE | kind::FALSE => self.jump(1)?, // in lists, unlike in structs, they take a byte
                other => self.skip(other, depth + 1)?,
            }
        }
        Ok(())
    }

    pub fn skip_struct(&mut self, depth: u32) -> Result<()> {
        let mut last_id = 0;
        while let Some(field) = self.field(last_id)? {
            last_id = field.id;
            self.skip(field.kind, depth + 1)?;
        }
        Ok(())
    }

    pub fn skip(&mut self, kind: u8, depth: u32) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err(general(format!("structures more than {DEPTH_MAX} deep")));
        }
        match kind {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.jump(1),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(|_| ()),
            kind::DOUBLE => self.jump(8),
            kind::BINARY => {
                let count = self.varint()?;
                self.jump(count)
            }
            kind::LIST | kind::SET => self.skip_list(depth),
            kind::STRUCT => self.skip_struct(depth),
            kind::MAP => Err(general("a map, which Parquet does not use")),
            other => Err(general(format!("a value of unknown kind {other}"))),
        }
    }
}

/// What is missing when bytes end too early. `is_short` tells it from other errors.
fn short(what: &str) -> parquet::errors::ParquetError {
    parquet::errors::ParquetError::EOF(format!("{what} is cut off"))
}

pub fn is_short(error: &parquet::errors::ParquetError) -> bool {
    matches!(error, parquet::errors::ParquetError::EOF(_))
}

/// True words for a footer that cannot be one; reserves nothing.
pub fn check_footer(bytes: &[u8]) -> Result<()> {
    Cursor::new(bytes).skip_struct(0)
}
