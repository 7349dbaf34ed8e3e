//! Few bytes appended at once: a block of a fixed size is copied without a call, and what is too much is cut off again.

/// Appends the first `length` bytes of a block.
#[inline]
pub(super) fn push_block<const N: usize>(out: &mut Vec<u8>, block: &[u8; N], length: usize) {
    let end = out.len() + length;
    if out.capacity() - out.len() < N {
        return push_to_full(out, &block[..length]);
    }
    out.extend_from_slice(block);
    out.truncate(end);
}

/// Appends the lowest bytes of a word, the lowest first.
#[inline]
pub(super) fn push_word(out: &mut Vec<u8>, word: u64, length: usize) {
    push_block(out, &word.to_le_bytes(), length);
}

/// The last thing that its caller does: whoever has room then calls nothing at all.
#[cold]
#[inline(never)]
fn push_to_full(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(64.max(bytes.len()));
    out.extend_from_slice(bytes);
}
