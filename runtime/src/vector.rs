//! Sixteen bytes at once, as the processor's vector registers hold them.

/// How many bytes are looked at together.
pub const LANES: usize = 16;

/// Which bytes fit the pattern `alone`, or fit `first` and are followed by one that fits `second`: a bit each, the lowest for
/// the first byte.
#[cfg(target_arch = "x86_64")]
pub fn matches(bytes: &[u8; LANES + 1], alone: Pattern, first: Pattern, second: Pattern) -> u32 {
    use core::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    // SAFETY: every processor of this architecture has SSE2; sixteen bytes are read from the first byte and from the second.
    unsafe {
        let is = |bytes: __m128i, pattern: Pattern| {
            let masked = _mm_and_si128(bytes, _mm_set1_epi8(pattern.mask.cast_signed()));
            _mm_cmpeq_epi8(masked, _mm_set1_epi8(pattern.value.cast_signed()))
        };
        let here = _mm_loadu_si128(bytes.as_ptr().cast());
        let behind = _mm_loadu_si128(bytes.as_ptr().add(1).cast());
        let pair = _mm_and_si128(is(here, first), is(behind, second));
        _mm_movemask_epi8(_mm_or_si128(is(here, alone), pair)).cast_unsigned()
    }
}

/// As above, one byte after the other.
#[cfg(not(target_arch = "x86_64"))]
pub fn matches(bytes: &[u8; LANES + 1], alone: Pattern, first: Pattern, second: Pattern) -> u32 {
    let is_one = |at: &usize| {
        let (here, behind) = (bytes[*at], bytes[*at + 1]);
        alone.fits(here) || first.fits(here) && second.fits(behind)
    };
    (0..LANES).filter(is_one).fold(0, |found, at| found | 1 << at)
}

/// Bytes of which some bits have certain values.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// Those bits.
    pub mask: u8,
    /// Their values.
    pub value: u8,
}

impl Pattern {
    /// Whether a byte is one of them.
    pub const fn fits(self, byte: u8) -> bool {
        byte & self.mask == self.value
    }
}
