//! Packs pages, and unpacks them, never to more bytes than the page header says.

use crate::failure::general;
use parquet::basic::Compression;
use parquet::compression::{create_codec, Codec, CodecOptions};
use parquet::errors::Result;
use std::io::Read;

/// Packs one page after the other; of one thread.
pub enum Packer {
    None,
    Snappy(snap::raw::Encoder),
    Other(Box<dyn Codec>),
}

impl Packer {
    pub fn new(codec: Compression) -> Result<Packer> {
        Ok(match codec {
            Compression::SNAPPY => Packer::Snappy(snap::raw::Encoder::new()),
            other => create_codec(other, &CodecOptions::default())?.map_or(Packer::None, Packer::Other),
        })
    }

    /// The packed page, which may lie in `scratch`.
    pub fn pack<'a>(&mut self, page: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        match self {
            Packer::None => Ok(page),
            Packer::Snappy(encoder) => {
                let most = snap::raw::max_compress_len(page.len());
                if scratch.len() < most {
                    scratch.resize(most, 0);
                }
                let bytes = encoder
                    .compress(page, scratch)
                    .map_err(|error| general(format!("a page cannot be packed: {error}")))?;
                Ok(&scratch[..bytes])
            }
            Packer::Other(codec) => {
                scratch.clear();
                codec.compress(page, scratch)?;
                Ok(scratch)
            }
        }
    }
}

fn wrong_size(got: usize, expected: usize) -> parquet::errors::ParquetError {
    general(format!("a page unpacks to {got} bytes, its header says {expected}"))
}

fn read_all(source: impl Read, expected: usize) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(expected);
    source
        .take(expected as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| general(format!("a page cannot be unpacked: {error}")))?;
    Ok(out)
}

fn unpack_snappy(packed: &[u8], expected: usize) -> Result<Vec<u8>> {
    let failed = |error| general(format!("a page cannot be unpacked: {error}"));
    let bytes = snap::raw::decompress_len(packed).map_err(failed)?;
    if bytes != expected {
        return Err(wrong_size(bytes, expected));
    }
    let mut out = vec![0; expected];
    let got = snap::raw::Decoder::new().decompress(packed, &mut out).map_err(failed)?;
    out.truncate(got);
    Ok(out)
}

fn unpack_lz4(packed: &[u8], to: &mut [u8]) -> Result<usize> {
    lz4_flex::block::decompress_into(packed, to).map_err(|error| general(format!("a page cannot be unpacked: {error}")))
}

/// Hadoop's frames: both sizes, big-endian, in front of every block. None if it is not that.
fn unpack_lz4_hadoop(packed: &[u8], expected: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; expected];
    let mut at = 0usize;
    let mut rest = packed;
    while !rest.is_empty() {
        let unpacked_bytes = u32::from_be_bytes(rest.get(0..4)?.try_into().ok()?) as usize;
        let packed_bytes = u32::from_be_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
        let block = rest.get(8..8usize.checked_add(packed_bytes)?)?;
        let to = out.get_mut(at..at.checked_add(unpacked_bytes)?)?;
        if unpack_lz4(block, to).ok()? != unpacked_bytes {
            return None;
        }
        at += unpacked_bytes;
        rest = &rest[8 + packed_bytes..];
    }
    (at == expected).then_some(out)
}

fn unpack_lz4_raw(packed: &[u8], expected: usize) -> Result<Vec<u8>> {
    let mut out = vec![0; expected];
    let got = unpack_lz4(packed, &mut out)?;
    out.truncate(got);
    Ok(out)
}

/// "LZ4" has meant three things.
fn unpack_lz4_any(packed: &[u8], expected: usize) -> Result<Vec<u8>> {
    if let Some(out) = unpack_lz4_hadoop(packed, expected) {
        return Ok(out);
    }
    if packed.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
        return read_all(lz4_flex::frame::FrameDecoder::new(packed), expected);
    }
    unpack_lz4_raw(packed, expected)
}

fn unpack_zstd(packed: &[u8], expected: usize) -> Result<Vec<u8>> {
    zstd::bulk::decompress(packed, expected).map_err(|error| general(format!("a page cannot be unpacked: {error}")))
}

/// Exactly `expected` bytes.
pub fn unpack(codec: Compression, packed: &[u8], expected: usize) -> Result<Vec<u8>> {
    let out = match codec {
        _ if expected == 0 => Vec::new(),
        Compression::UNCOMPRESSED => packed.to_vec(),
        Compression::SNAPPY => unpack_snappy(packed, expected)?,
        Compression::GZIP(_) => read_all(flate2::read::MultiGzDecoder::new(packed), expected)?,
        Compression::ZSTD(_) => unpack_zstd(packed, expected)?,
        Compression::LZ4 => unpack_lz4_any(packed, expected)?,
        Compression::LZ4_RAW => unpack_lz4_raw(packed, expected)?,
        Compression::BROTLI(_) => read_all(brotli::Decompressor::new(packed, 4096), expected)?,
        other => return Err(general(format!("the codec {other} is not supported"))),
    };
    if out.len() != expected {
        return Err(wrong_size(out.len(), expected));
    }
    Ok(out)
}
