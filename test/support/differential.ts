/** How much differential tests do: a part in `npm test`, everything in `npm run test:differential`, which sets SALLYPORT_CASES. */
const ASKED = process.env['SALLYPORT_CASES'];
// No cases at all would pass.
if (ASKED !== undefined && !(Number(ASKED) >= 1)) {
  throw new Error(`SALLYPORT_CASES wants a number from 1, not '${ASKED}'`);
}

/** Random cases of a differential test: as many as SALLYPORT_CASES says; without it 2,000, or `quick` where a case takes long. */
export function casesOf(quick: number = 2000): number {
  return ASKED === undefined ? quick : Number(ASKED);
}

export const CASES = casesOf();

/** A second implementation that takes milliseconds for a case is asked for every twentieth, or for all when SALLYPORT_CASES is set. */
export const SLOW_STEP = ASKED === undefined ? 20 : 1;

/** A test's option: so many cases need no longer on the busiest machine. */
export function timeFor(cases: number): { timeout: number } {
  return { timeout: 120_000 + 300 * cases };
}
