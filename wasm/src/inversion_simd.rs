//! Two inversions modulo numbers of 256 bits at once, in vectors: the twin of `invert` in inversion.rs. The kernel is generated, since the compiler
//! turns masks into longer selections: see wasm/kernels/inversion.mjs.

use crate::constant_time::wipe;
use crate::inversion::{finish, to_signed};
use crate::montgomery::Modulus;

core::arch::global_asm!(include_str!("inversion.s"));

extern "C" {
    fn division_steps_pair(state: *mut State, moduli: *const Moduli);
}

const WORDS: usize = 9;
const BATCHES: usize = 20;

/// (x0, x1, y0, y1): x and y of inversions 0 and 1.
type Lanes = [i32; 4];

#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct State {
    /// (d, e) of each word.
    de: [Lanes; WORDS],
    fg: [Lanes; WORDS],
    zeta: Lanes,
}

#[repr(C, align(16))]
struct Moduli {
    /// (m, m) of each word.
    words: [Lanes; WORDS],
    /// m⁻¹ mod 2^32, of which 30 bits count.
    inverses: Lanes,
}

#[inline(never)]
pub fn invert_pair(pairs: [(&Modulus<8>, &[u32; 8]); 2]) -> [[u32; 8]; 2] {
    let [(m0, a0), (m1, a1)] = pairs;
    let (m, g) = ([&m0.signed, &m1.signed], [to_signed(a0), to_signed(a1)]);
    let inverses = [m0, m1].map(|modulus| modulus.negated_inverse.wrapping_neg() as i32);
    let moduli = Moduli {
        words: core::array::from_fn(|k| [m[0][k], m[1][k], m[0][k], m[1][k]]),
        inverses: [inverses[0], inverses[1], inverses[0], inverses[1]],
    };
    let mut state = State {
        de: core::array::from_fn(|k| if k == 0 { [0, 0, 1, 1] } else { [0; 4] }),
        fg: core::array::from_fn(|k| [m[0][k], m[1][k], g[0][k], g[1][k]]),
        zeta: [-1; 4],
    };
    for _ in 0..BATCHES {
        // SAFETY: the kernel reads and writes whole values of the types declared above.
        unsafe { division_steps_pair(&mut state, &moduli) };
    }
    let out = core::array::from_fn(|i| {
        let number = |words: &[Lanes; WORDS]| core::array::from_fn(|k| if k < WORDS { words[k][i] } else { 0 });
        finish(&mut number(&state.de), &number(&state.fg), m[i], WORDS)
    });
    wipe(core::slice::from_mut(&mut state));
    out
}
