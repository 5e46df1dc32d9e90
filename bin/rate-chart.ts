import type { TrainEvent } from '../lib/index.js'
import { duration } from '../lib/show.js'
import { descent } from '../lib/train/tested-rates.js'

type Of<Type extends TrainEvent['type']> = Extract<TrainEvent, { type: Type }>
const LEVELS = '▁▂▃▄▅▆▇█'
const rate = (value: number) => value.toExponential(1)
/** Most and fewest bars. */
const [MOST, FEWEST] = [60, 10]

/** Loss over the rates of a range test as one line of bars that fits a width, the best point below it, and the rate that was chosen. */
export function rateTested({ lr, usual, lowest, steepest, curve, diverged }: Of<'lr_test'>, width: number): string {
  const columns = Math.min(curve.length, Math.max(FEWEST, Math.min(MOST, width - 8)))
  const logs = descent(curve).map((log) => Math.min(0, log)) // a loss above the untrained model's is a full bar
  const at = Array.from({ length: columns }, (_, i) => logs[Math.floor((i * curve.length) / columns)]!)
  const least = Math.min(...at)
  const drawn = at.map((log) => LEVELS[least === 0 ? 7 : Math.round(7 * (1 - log / least))]).join('')
  const place = Math.floor((curve.findLastIndex((point) => point.lr <= lr) * columns) / curve.length)
  const end = diverged ? `${rate(curve.at(-1)!.lr)}, where it diverged` : rate(curve.at(-1)!.lr)
  const points =
    lowest === null || steepest === null
      ? `the loss does not fall at any rate, so --lr ${usual} of the recipe is used`
      : `steepest at ${rate(steepest)}, lowest at ${rate(lowest)}; --lr ${lr} is used (the recipe has ${usual})`
  return [
    `lr     ${drawn}`,
    ...(lowest === null ? [] : [`       ${' '.repeat(Math.max(0, place))}▲`]),
    `       loss of a short training whose rate grows from ${rate(curve[0]!.lr)} to ${end}`,
    `       ${points}`,
  ].join('\n')
}

/** Progress line of a range test. */
export const testing = ({ step, steps, seconds_left }: Of<'lr_test_progress'>, columns: number): string =>
  `lr     testing rates, step ${step} of ${steps}, ${duration(seconds_left)} left`.slice(0, Math.max(1, columns - 1))
