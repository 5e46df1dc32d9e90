/** Whether this is the long suite, which tries all cases of some tables. */
export const LONG = process.env.LVM_TORCH_TEST_LONG !== undefined

/** All cases in the long suite, those at these places in the quick one. */
export const cases = <T>(all: readonly T[], ...places: number[]): T[] => (LONG ? [...all] : places.map((place) => all[place]!))
