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

/// What of a footer the parquet crate does not say.
pub struct Footer {
    /// Row group and number of the column chunks that are encrypted.
    pub encrypted: Vec<(u32, u32)>,
}

/// Levels of groups in a schema: the parquet crate takes them by recursion.
const SCHEMA_DEPTH_MAX: usize = 64;

impl Cursor<'_> {
    /// The head of a list of structs: how many.
    fn structs(&mut self) -> Result<u64> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        if count > self.left() as u64 {
            return Err(general(format!("a list of {count} elements in {} bytes", self.left())));
        }
        if count > 0 && head & 15 != kind::STRUCT {
            return Err(general("a list of something else"));
        }
        Ok(count)
    }

    /// The number of children of a schema's element.
    fn children(&mut self) -> Result<i32> {
        let mut children = 0;
        let mut last_id = 0;
        while let Some(field) = self.field(last_id)? {
            last_id = field.id;
            match (field.id, field.kind) {
                (5, kind::I32) => children = self.i32()?,
                _ => self.skip(field.kind, 3)?,
            }
        }
        Ok(children)
    }

    fn schema(&mut self) -> Result<()> {
        let mut open: Vec<i32> = Vec::new();
        let count = self.structs()?;
        for number in 0..count {
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let children = self.children()?;
            if children < 0 || children as u64 >= count - number {
                return Err(general(format!("element {number} of {count} of the schema has {children} children")));
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > SCHEMA_DEPTH_MAX {
                return Err(general(format!("the schema is more than {SCHEMA_DEPTH_MAX} levels deep")));
            }
        }
        Ok(())
    }

    fn column_chunks(&mut self, group: u32, footer: &mut Footer) -> Result<()> {
        for column in 0..self.structs()? as u32 {
            let mut last_id = 0;
            while let Some(field) = self.field(last_id)? {
                last_id = field.id;
                if field.id == 8 {
                    footer.encrypted.push((group, column));
                }
                self.skip(field.kind, 4)?;
            }
        }
        Ok(())
    }

    fn row_groups(&mut self, footer: &mut Footer) -> Result<()> {
        for group in 0..self.structs()? as u32 {
            let mut last_id = 0;
            while let Some(field) = self.field(last_id)? {
                last_id = field.id;
                match (field.id, field.kind) {
                    (1, kind::LIST) => self.column_chunks(group, footer)?,
                    _ => self.skip(field.kind, 2)?,
                }
            }
        }
        Ok(())
    }
}

/// True words for a footer that cannot be one; reserves next to nothing.
pub fn check_footer(bytes: &[u8]) -> Result<Footer> {
    let mut cursor = Cursor::new(bytes);
    let mut footer = Footer { encrypted: Vec::new() };
    let mut last_id = 0;
    while let Some(field) = cursor.field(last_id)? {
        last_id = field.id;
        match (field.id, field.kind) {
            (2, kind::LIST) => cursor.schema()?,
            (4, kind::LIST) => cursor.row_groups(&mut footer)?,
            _ => cursor.skip(field.kind, 1)?,
        }
    }
    Ok(footer)
}
