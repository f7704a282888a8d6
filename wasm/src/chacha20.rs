//! ChaCha20 (RFC 8439 §2.3, §2.4): additions, rotations and exclusive ors alone, constant time by construction.

/// "expand 32-byte k"
pub const CONSTANTS: [u32; 4] = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

#[inline(always)]
pub fn load_le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The state of RFC 8439 §2.3 with block counter 0.
pub fn state(key: &[u8; 32], nonce: &[u8; 12]) -> [u32; 16] {
    let mut state = [0; 16];
    state[..4].copy_from_slice(&CONSTANTS);
    for i in 0..8 {
        state[4 + i] = load_le32(key, 4 * i);
    }
    for i in 0..3 {
        state[13 + i] = load_le32(nonce, 4 * i);
    }
    state
}

#[inline(always)]
fn quarter_round(x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(16);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(12);
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(8);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(7);
}

/// The key stream block for the counter in `state[12]`.
pub fn block(state: &[u32; 16]) -> [u8; 64] {
    let mut x = *state;
    for _ in 0..10 {
        quarter_round(&mut x, 0, 4, 8, 12);
        quarter_round(&mut x, 1, 5, 9, 13);
        quarter_round(&mut x, 2, 6, 10, 14);
        quarter_round(&mut x, 3, 7, 11, 15);
        quarter_round(&mut x, 0, 5, 10, 15);
        quarter_round(&mut x, 1, 6, 11, 12);
        quarter_round(&mut x, 2, 7, 8, 13);
        quarter_round(&mut x, 3, 4, 9, 14);
    }
    let mut stream = [0; 64];
    for i in 0..16 {
        stream[4 * i..4 * i + 4].copy_from_slice(&x[i].wrapping_add(state[i]).to_le_bytes());
    }
    stream
}

/// Encrypts or decrypts `text` in place, with block counters from `counter`.
pub fn apply(state: &[u32; 16], counter: u32, text: &mut [u8]) {
    let mut state = *state;
    state[12] = counter;
    for chunk in text.chunks_mut(64) {
        for (byte, key) in chunk.iter_mut().zip(block(&state)) {
            *byte ^= key;
        }
        state[12] = state[12].wrapping_add(1);
    }
}
