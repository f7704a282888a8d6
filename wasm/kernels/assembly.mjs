// Programs as WebAssembly assembly text for LLVM's assembler.

/** Which operations come to something in the end. */
function findLive(operations) {
  const live = new Set();
  for (let at = operations.length - 1; at >= 0; at--) {
    if (operations[at].op === 'store' || live.has(at)) [at, ...operations[at].args].forEach((value) => live.add(value));
  }
  return live;
}

/** Operations whose first two operands may change places. */
const COMMUTATIVE = new Set(['f64x2.add', 'f64x2.relaxed_madd', 'i64x2.add', 'i32x4.add', 'i32x4.mul', 'v128.and', 'v128.or', 'v128.xor']);

/**
 * Gives each value a local, and reuses the local of a value that is not needed any more: fewer locals, shorter code. (The engine
 * undoes it all: it sees values.) `uses` counts how often a value is needed.
 */
function assignLocals({ operations, parameters }, live) {
  const [lastUse, uses] = [new Map(), new Map()];
  operations.forEach(({ args }, at) => {
    if (!live.has(at)) return;
    for (const value of args) {
      lastUse.set(value, at);
      uses.set(value, (uses.get(value) ?? 0) + 1);
    }
  });
  const local = new Map();
  const free = [];
  let next = parameters.length;
  operations.forEach(({ op, args }, at) => {
    for (const value of new Set(args)) if (lastUse.get(value) === at) free.push(local.get(value));
    if (op !== 'store' && lastUse.has(at)) local.set(at, free.pop() ?? next++);
  });
  return { local, uses, count: next - parameters.length };
}

/** Where the lanes of `i8x16.shuffle` come from: eight bytes for each of two lanes, or four for each of four. */
function shuffleBytes(lanes) {
  const size = 16 / lanes.length;
  return lanes.flatMap((lane) => Array.from({ length: size }, (_, byte) => size * lane + byte)).join(', ');
}

/** One function. Constants are loaded from `table`, of which `indexOf` gives the place: V8 rebuilds immediate ones at each use. */
function functionText(program, table, indexOf) {
  const { name, parameters, unaligned, operations } = program;
  const alignment = (parameter) => unaligned.includes(parameters[parameter]) ? 0 : 4;
  const live = findLive(operations);
  const { local, uses, count } = assignLocals(program, live);
  const lines = [];
  const emit = (text) => lines.push(`\t${text}`);
  let previous;
  /** Operands, of which the first stays on the stack if it was made just before. */
  const operands = (op, args) => {
    let [first, second, ...others] = args;
    if (COMMUTATIVE.has(op) && second === previous) [first, second] = [second, first];
    if (first === previous) {
      lines.pop();
      if (uses.get(first) > 1) emit(`local.tee ${local.get(first)}`);
    } else {
      emit(`local.get ${local.get(first)}`);
    }
    for (const value of [second, ...others]) if (value !== undefined) emit(`local.get ${local.get(value)}`);
  };
  operations.forEach(({ op, args, parameter, offset, lanes, bits }, at) => {
    if (!live.has(at)) return;
    if (op === 'load') {
      emit(`local.get ${parameter}`);
      emit(`v128.load ${offset}:p2align=${alignment(parameter)}`);
    } else if (op === 'constant') {
      emit('i32.const 0');
      emit(`v128.load ${table}+${16 * indexOf(lanes)}:p2align=4`);
    } else if (op === 'keep') {
      emit('i32.const 0');
      emit(`local.get ${local.get(args[0])}`);
      emit(`v128.store ${table}_kept:p2align=4`);
      emit('i32.const 0');
      emit(`v128.load ${table}_kept:p2align=4`);
    } else if (op === 'store') {
      emit(`local.get ${parameter}`);
      emit(`local.get ${local.get(args[0])}`);
      emit(`v128.store ${offset}:p2align=${alignment(parameter)}`);
      previous = undefined;
      return;
    } else {
      operands(op, args);
      if (bits !== undefined) emit(`i32.const ${bits}`);
      emit(op === 'i8x16.shuffle' ? `${op} ${shuffleBytes(lanes)}` : op);
    }
    emit(`local.set ${local.get(at)}`);
    previous = at;
  });
  if (operations.some(({ op }) => op === 'keep')) {
    emit('i32.const 0');
    emit('v128.const 0, 0');
    emit(`v128.store ${table}_kept:p2align=4`);
  }
  return `
\t.section .text.${name},"",@
\t.globl ${name}
\t.type ${name},@function
${name}:
\t.functype ${name} (${parameters.map(() => 'i32').join(', ')}) -> ()
\t.local ${Array(count).fill('v128').join(', ')}
${lines.join('\n')}
\tend_function
`;
}

/** A file of functions that share one table of constants. */
export function assemblyText(title, table, programs) {
  const constants = [];
  const indexOf = (lanes) => {
    const found = constants.findIndex((other) => other[0] === lanes[0] && other[1] === lanes[1]);
    return found >= 0 ? found : constants.push(lanes) - 1;
  };
  const functions = programs.map((program) => functionText(program, table, indexOf)).join('');
  const words = constants.flat().map((lane) => `\t.int64 ${BigInt.asIntN(64, lane)}\n`).join('');
  return `# Made by wasm/kernels/: ${title}. Do not edit.
${functions}
\t.section .bss.${table}_kept,"",@
\t.p2align 4
${table}_kept:
\t.skip 16
\t.size ${table}_kept, 16
\t.section .rodata.${table},"",@
\t.p2align 4
${table}:
${words}\t.size ${table}, ${16 * constants.length}
`;
}
