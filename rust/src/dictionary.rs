//! The different values of a column, numbered as they first appear.

/// A column as keys: rows are the same value when they are equal.
pub trait Keys {
    fn hash(&self, row: usize) -> u64;
    fn is_equal(&self, row: usize, other: usize) -> bool;
    /// How many bytes the value takes in a dictionary.
    fn bytes(&self, row: usize) -> usize;
}

pub struct Dictionary {
    /// The row of the first of each value.
    pub rows: Vec<u32>,
    /// Of each row that was given, the number of its value.
    pub numbers: Vec<u32>,
}

const FREE: u32 = u32::MAX;
const SLOTS_FIRST: usize = 1 << 10;
/// Indexes have at most 16 bits.
pub const VALUES_MAX: usize = 1 << 16;
const BYTES_MAX: usize = 1 << 20;
/// Steps over taken slots that a row may cost on average: values that were made to collide get no dictionary.
const STEPS_PER_ROW: usize = 8;

/// How many rows tell whether a dictionary is worth a try, and how many of them must be different for "no".
const SAMPLE_ROWS: usize = 2048;
const SAMPLE_DISTINCT_PERCENT: usize = 97;

fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    (product >> 64) as u64 ^ product as u64
}

pub struct Words<'a>(pub &'a [u64]);

impl Keys for Words<'_> {
    #[inline]
    fn hash(&self, row: usize) -> u64 {
        mix(self.0[row])
    }

    #[inline]
    fn is_equal(&self, row: usize, other: usize) -> bool {
        self.0[row] == self.0[other]
    }

    fn bytes(&self, _row: usize) -> usize {
        8
    }
}

/// Texts as PLAIN has them: a length of four bytes before each; offsets has one more than rows.
pub struct Texts<'a> {
    pub values: &'a [u8],
    pub offsets: &'a [u32],
}

impl<'a> Texts<'a> {
    #[inline]
    pub fn get(&self, row: usize) -> &'a [u8] {
        &self.values[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}

impl Keys for Texts<'_> {
    #[inline]
    fn hash(&self, row: usize) -> u64 {
        let mut hash = 0;
        let text = self.get(row);
        let mut words = text.chunks_exact(8);
        for word in &mut words {
            hash = mix(hash ^ u64::from_le_bytes(word.try_into().unwrap()));
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        mix(hash ^ u64::from_le_bytes(last))
    }

    #[inline]
    fn is_equal(&self, row: usize, other: usize) -> bool {
        self.get(row) == self.get(other)
    }

    fn bytes(&self, row: usize) -> usize {
        self.get(row).len()
    }
}

/// True if nearly all of the first rows differ.
fn is_diverse(keys: &impl Keys, rows: usize) -> bool {
    let rows = rows.min(SAMPLE_ROWS);
    if rows < SAMPLE_ROWS / 2 {
        return false;
    }
    let mut hashes: Vec<u64> = (0..rows).map(|row| keys.hash(row)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.len() * 100 >= rows * SAMPLE_DISTINCT_PERCENT
}

struct Table<'a, K> {
    keys: &'a K,
    slots: Vec<u32>,
    rows: Vec<u32>,
    bytes: usize,
    steps_left: usize,
}

impl<K: Keys> Table<'_, K> {
    fn grow(&mut self) {
        let count = self.slots.len() * 4;
        self.slots.clear();
        self.slots.resize(count, FREE);
        for (number, &row) in self.rows.iter().enumerate() {
            let mut at = self.keys.hash(row as usize) as usize & (count - 1);
            while self.slots[at] != FREE {
                at = (at + 1) & (count - 1);
            }
            self.slots[at] = number as u32;
        }
    }

    /// The number of a row's value; None if there are too many.
    #[inline]
    fn number_of(&mut self, row: usize) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = self.keys.hash(row) as usize & mask;
        loop {
            let number = self.slots[at];
            if number == FREE {
                return self.insert(row, at);
            }
            if self.keys.is_equal(row, self.rows[number as usize] as usize) {
                return Some(number);
            }
            self.steps_left = self.steps_left.checked_sub(1)?;
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, row: usize, at: usize) -> Option<u32> {
        self.bytes += self.keys.bytes(row);
        if self.rows.len() == VALUES_MAX || self.bytes > BYTES_MAX {
            return None;
        }
        let number = self.rows.len() as u32;
        self.slots[at] = number;
        self.rows.push(row as u32);
        if self.rows.len() * 2 > self.slots.len() {
            self.grow();
        }
        Some(number)
    }
}

/// The dictionary of the rows for which is_given holds; None if it is not worth its while. plain_bytes: what the values take
/// without it.
pub fn build<K: Keys>(keys: &K, rows: usize, is_given: impl Fn(usize) -> bool, plain_bytes: usize) -> Option<Dictionary> {
    if is_diverse(keys, rows) {
        return None;
    }
    let mut table = Table {
        keys,
        slots: vec![FREE; SLOTS_FIRST],
        rows: Vec::new(),
        bytes: 0,
        steps_left: (rows + SAMPLE_ROWS) * STEPS_PER_ROW,
    };
    let mut numbers = Vec::with_capacity(rows);
    for row in (0..rows).filter(|&row| is_given(row)) {
        numbers.push(table.number_of(row)?);
    }
    let bytes = table.bytes + numbers.len() * width_of(table.rows.len()) as usize / 8;
    (bytes < plain_bytes && !numbers.is_empty()).then_some(Dictionary { rows: table.rows, numbers })
}

/// The bits that numbers below a count need; 0 bits are legal, but not every reader knows.
pub fn width_of(count: usize) -> u8 {
    ((usize::BITS - count.saturating_sub(1).leading_zeros()) as u8).max(1)
}

/// Eight numbers as `width` bytes.
#[inline]
fn pack_eight(numbers: &[u32], width: u8, to: &mut Vec<u8>) {
    let mut bits = 0u128;
    for (index, &number) in numbers.iter().enumerate() {
        bits |= u128::from(number) << (index * width as usize);
    }
    to.extend_from_slice(&bits.to_le_bytes()[..width as usize]);
}

pub fn put_varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn put_packed(numbers: &[u32], width: u8, to: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    put_varint((numbers.len().div_ceil(8) as u64) << 1 | 1, to);
    for eight in numbers.chunks(8) {
        pack_eight(eight, width, to);
    }
}

const RUN_MIN: usize = 16;

/// RLE and bit-packed runs in turn, as Parquet has them. width is at most 16.
pub fn put_numbers(numbers: &[u32], width: u8, to: &mut Vec<u8>) {
    let mut packed_from = 0;
    let mut at = 0;
    while at < numbers.len() {
        let number = numbers[at];
        let run = numbers[at..].iter().take_while(|&&other| other == number).count();
        if run < RUN_MIN {
            at = (at + 8).min(numbers.len());
            continue;
        }
        put_packed(&numbers[packed_from..at], width, to);
        put_varint((run as u64) << 1, to);
        to.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
        at += run;
        packed_from = at;
    }
    put_packed(&numbers[packed_from..], width, to);
}
