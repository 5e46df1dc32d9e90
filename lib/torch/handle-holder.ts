/** An object whose `native` is a handle of the addon that operators take. */
export abstract class Holder<H> {
  abstract readonly native: H
}
