// The steps of a rehearsal: each has a name, an outcome, its seconds and a figure.
export const say = (text) => process.stderr.write(`${text}\n`)
export const demand = (holds, sentence) => {
  if (!holds) throw new Error(sentence)
}

/** Returns a list of steps, and a function that runs one more; its figure is the text that the work returns. */
export function recorder() {
  const steps = []
  const step = async (name, work) => {
    const begun = performance.now()
    const [ok, figure] = await Promise.resolve()
      .then(work)
      .then(
        (text) => [true, text ?? ''],
        (error) => [false, error.message],
      )
    const seconds = (performance.now() - begun) / 1000
    steps.push({ step: name, ok, seconds, figure })
    say(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s): ${figure}`)
    return ok
  }
  return { steps, step }
}
