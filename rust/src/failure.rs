//! How a call fails: a number for what the caller can do, and words, copied out at once.

use parquet::errors::ParquetError;
use std::any::Any;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;

pub const OK: i32 = 0;
pub const INVALID: i32 = 1;
pub const NO_MEMORY: i32 = 2;

const TEXT_BYTES: usize = 512;

/// `capi_pq_failure` of bridge.h.
#[repr(C)]
pub struct Failure {
    text: [u8; TEXT_BYTES],
}

impl Failure {
    fn set(&mut self, text: &str) {
        let mut end = text.len().min(TEXT_BYTES - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        for (to, from) in self.text.iter_mut().zip(text.bytes().take(end)) {
            *to = if from < b' ' { b' ' } else { from };
        }
        self.text[end] = 0;
    }
}

/// The caller's `charge` refused.
#[derive(Debug)]
pub struct OverBudget;

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the memory budget is used up")
    }
}

impl std::error::Error for OverBudget {}

pub fn general(text: impl Into<String>) -> ParquetError {
    ParquetError::General(text.into())
}

/// The words alone, without what kind of error it is.
pub fn text_of(error: &ParquetError) -> String {
    match error {
        ParquetError::General(text) | ParquetError::ArrowError(text) => match text.strip_prefix("External: ") {
            Some(text) => text.to_string(), // what an error of ours becomes on its way through the libraries
            None => text.clone(),
        },
        ParquetError::EOF(text) => format!("it ends too early: {text}"),
        ParquetError::External(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

fn status_of(error: &ParquetError) -> i32 {
    match error {
        ParquetError::External(cause) if cause.is::<OverBudget>() => NO_MEMORY,
        _ => INVALID,
    }
}

fn panic_text(cause: &(dyn Any + Send)) -> &str {
    if let Some(text) = cause.downcast_ref::<&str>() {
        text
    } else if let Some(text) = cause.downcast_ref::<String>() {
        text
    } else {
        "it cannot be decoded"
    }
}

/// Runs what an exported function does. The libraries below check most, not all, of what they read: a panic of theirs is
/// an ordinary error of the file, and nothing of it is printed.
pub fn guard(failure: *mut Failure, work: impl FnOnce() -> Result<(), ParquetError>) -> i32 {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let (status, text) = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return OK,
        Ok(Err(error)) => (status_of(&error), text_of(&error)),
        Err(cause) => (INVALID, panic_text(cause.as_ref()).to_string()),
    };
    if let Some(failure) = unsafe { failure.as_mut() } {
        failure.set(&text);
    }
    status
}
