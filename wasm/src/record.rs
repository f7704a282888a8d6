//! TLS 1.3 record protection (RFC 9846 §5.2 to §5.4) over any AEAD, many records per call. The one file here that knows TLS.

use crate::aead::{self, Aead, Key, Source};

pub const HEADER: usize = 5;
pub const TAG: usize = 16;
pub const APPLICATION_DATA: u8 = 23;
/// The longest TLSInnerPlaintext: content, its type and padding.
pub const MAX_INNER: usize = (1 << 14) + 1;

/// One direction's key: an AEAD's key and the nonce mask ("iv").
#[repr(C)]
pub struct RecordKey<K> {
    pub iv: [u8; 12],
    pub key: K,
}

/// What `open` did; written for JavaScript, see `Opened` in src/crypto/provider.ts.
#[repr(C)]
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Opened {
    pub records: u32,
    pub consumed: u32,
    pub produced: u32,
    /// 0: end, 1: other, 2: bad_record_mac.
    pub stop: u32,
    pub content_type: u32,
    pub content_length: u32,
    pub padding_length: u32,
}

pub const STOP_END: u32 = 0;
pub const STOP_OTHER: u32 = 1;
pub const STOP_BAD_RECORD_MAC: u32 = 2;

impl<K: Key> RecordKey<K> {
    /// RFC 9846 §5.3: the sequence number, big-endian, padded on the left, exclusive or the iv.
    fn nonce(&self, sequence: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, part) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
            *byte ^= part;
        }
        nonce
    }

    /// Opens the records in `memory[input..input + length]` into `memory[output..]`, which has room for `length` bytes and either is apart
    /// from the input or starts where it starts or before it. A length in a header that does not fit ends the call as 'bad_record_mac'.
    pub fn open(&self, sequence: u64, memory: &mut [u8], input: usize, length: usize, output: usize, limit: usize) -> Opened {
        let mut opened = Opened::default();
        self.key.ready(length, &mut |aead| {
            opened = self.open_with(aead, sequence, memory, input, length, output, limit);
        });
        opened
    }

    #[allow(clippy::too_many_arguments)]
    fn open_with(
        &self,
        aead: &K::Aead<'_>,
        mut sequence: u64,
        memory: &mut [u8],
        input: usize,
        length: usize,
        output: usize,
        limit: usize,
    ) -> Opened {
        let mut opened = Opened::default();
        let mut at = input;
        let end = input + length;
        let mut to = output;
        while at < end {
            let Some(inner) = self.open_record(aead, sequence, memory, at, end, to) else {
                opened.stop = STOP_BAD_RECORD_MAC;
                break;
            };
            at += HEADER + inner + TAG;
            opened.records += 1;
            opened.consumed = (at - input) as u32;
            sequence = sequence.wrapping_add(1);
            // RFC 9846 §5.4: the content type is the last byte that is not zero.
            let type_at = memory[to..to + inner].iter().rposition(|&byte| byte != 0);
            let content = type_at.unwrap_or(0);
            let content_type = type_at.map_or(0, |i| memory[to + i]);
            if content_type != APPLICATION_DATA || content == 0 || content > limit {
                opened.stop = STOP_OTHER;
                opened.content_type = content_type as u32;
                opened.content_length = content as u32;
                opened.padding_length = (inner - content - type_at.is_some() as usize) as u32;
                break;
            }
            to += content;
        }
        opened.produced = (to - output) as u32;
        opened
    }

    /// Opens the record at `at` to `to` and returns the length of its inner plaintext; undefined, with the output wiped, when it does
    /// not authenticate.
    fn open_record(
        &self,
        aead: &K::Aead<'_>,
        sequence: u64,
        memory: &mut [u8],
        at: usize,
        end: usize,
        to: usize,
    ) -> Option<usize> {
        let header: [u8; HEADER] = memory.get(at..at + HEADER)?.try_into().ok()?;
        let body = u16::from_be_bytes([header[3], header[4]]) as usize;
        if body < TAG || end - at < HEADER + body {
            return None;
        }
        let inner = body - TAG;
        let start = at + HEADER;
        let mut tag = [0; TAG];
        tag.copy_from_slice(&memory[start + inner..start + body]);
        // SAFETY: within `memory`, and not below `to`.
        let source = unsafe { Source::new(memory[start..start + inner].as_ptr(), if start == to { 0 } else { inner }) };
        let text = &mut memory[to..to + inner];
        aead::open(aead, &self.nonce(sequence), &header, source, text, &tag).then_some(inner)
    }

    /// Seals `content` into `output` as records of at most `fragment_limit` bytes, each inner plaintext padded with zeros to a multiple
    /// of `padding`. Returns the bytes written, or 0 when `output` is too short.
    pub fn seal(
        &self,
        sequence: u64,
        content_type: u8,
        content: &[u8],
        output: &mut [u8],
        fragment_limit: usize,
        padding: usize,
    ) -> usize {
        let mut written = 0;
        self.key.ready(content.len(), &mut |aead| {
            written = self.seal_with(aead, sequence, content_type, content, output, fragment_limit, padding);
        });
        written
    }

    #[allow(clippy::too_many_arguments)]
    fn seal_with(
        &self,
        aead: &K::Aead<'_>,
        mut sequence: u64,
        content_type: u8,
        content: &[u8],
        output: &mut [u8],
        fragment_limit: usize,
        padding: usize,
    ) -> usize {
        let mut rest = content;
        let mut written = 0;
        loop {
            let (fragment, after) = rest.split_at(rest.len().min(fragment_limit));
            let inner = (fragment.len() + 1).next_multiple_of(padding).min(MAX_INNER);
            let Some(record) = output.get_mut(written..written + HEADER + inner + TAG) else {
                return 0;
            };
            let (header, body) = record.split_at_mut(HEADER);
            let [high, low] = ((inner + TAG) as u16).to_be_bytes();
            header.copy_from_slice(&[APPLICATION_DATA, 3, 3, high, low]);
            let (text, tag) = body.split_at_mut(inner);
            text[fragment.len()] = content_type;
            text[fragment.len() + 1..].fill(0);
            // SAFETY: `fragment` is borrowed, and apart from `output`.
            let source = unsafe { Source::new(fragment.as_ptr(), fragment.len()) };
            tag.copy_from_slice(&aead.seal(&self.nonce(sequence), header, source, text));
            sequence = sequence.wrapping_add(1);
            written += HEADER + inner + TAG;
            rest = after;
            if rest.is_empty() {
                return written;
            }
        }
    }
}
