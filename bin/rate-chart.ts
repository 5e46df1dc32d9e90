import type { TrainEvent } from '../lib/index.js'

type LrTested = Extract<TrainEvent, { type: 'lr_test' }>
const LEVELS = '▁▂▃▄▅▆▇█'
const ENDED = {
  diverged: 'where the loss diverged',
  range: 'the end of the range',
  time: 'the end of its time',
}
const power = (value: number) => value.toExponential(1)

/** Smoothed loss over the rates of a range test as one line of bars that fits a width, and the rate that was chosen. */
export function rateTested({ lr, lowest, ended, curve }: LrTested, width: number): string {
  const columns = Math.max(1, Math.min(curve.length, 60, width - 10))
  const at = Array.from({ length: columns }, (_, i) => curve[Math.floor((i * curve.length) / columns)]!.loss)
  const [least, most] = [Math.min(...at), Math.max(...at)]
  const drawn = at.map((loss) => LEVELS[most === least ? 0 : Math.round((7 * (loss - least)) / (most - least))]).join('')
  const [first, last] = [curve[0]!, curve.at(-1)!]
  return [
    `lr     ${drawn}`,
    `       smoothed loss at rates from ${power(first.lr)} to ${power(last.lr)}, ${ENDED[ended]}`,
    `       the loss was lowest (${lowest.loss.toPrecision(3)}) at ${power(lowest.lr)}; a tenth of that rate is used: --lr ${lr}`,
  ].join('\n')
}
