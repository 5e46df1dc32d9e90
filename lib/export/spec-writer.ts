/** Where a writer is in a spec, and what outer parts hand to inner ones. */
export abstract class SpecWriter {
  /** The vectors that cross-attention reads. */
  memory = ''
  /** Result of the trunk, which the weights of memories depend on. */
  features = ''
  /** Names of the parts around the one that is written. */
  protected path: readonly string[] = []

  /** Writes a part below `name`. */
  inside<T>(name: string | undefined, body: () => T): T {
    const before = this.path
    if (name !== undefined) this.path = [...before, ...name.split('.')]
    try {
      return body()
    } finally {
      this.path = before
    }
  }
  /** Writes a part whose cross-attention reads `memory`. */
  reading<T>(memory: string, body: () => T): T {
    const before = this.memory
    this.memory = memory
    const result = body()
    this.memory = before
    return result
  }
}
