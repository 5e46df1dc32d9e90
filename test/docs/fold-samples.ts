import { join } from 'node:path'
import type { Collector } from './collector.js'

/** Two folds and two seeds of a model: its trainings, and their pooled evaluation, retrieval and comparison. */
export async function folds({ keep, answer, events, read }: Collector): Promise<void> {
  const small = '--preset tiny --epochs 2 --threads 1 --max-windows 64 --loss contrastive'
  const where = '--latency 0 --out folded --evaluation folded-evaluation'
  for (const event of await events(`sweep --models gru --folds 2 --seeds 2 --data val ${small} ${where}`))
    keep(`event ${event.type}${event.type === 'result' ? ' of sweep' : ''}`, event)
  const one = (file: string) => read(join('folded', 'gru_stacked-fold1of2-seed1', file))
  for (const file of ['config.json', 'training_history.json', 'manifest.json', 'split.json']) keep(file, one(file))
  for (const event of await events(`train gru --data val --fold 1/2 ${small} --name fold --out rest`))
    keep(`event ${event.type === 'result' ? 'result of train' : event.type}`, event)
  keep('sweep.json', read('folded-evaluation/sweep.json'))
  keep('report.json', read('folded-evaluation/report.json'))
  keep('validation_results.json', read('folded-evaluation/validation_results.json'))
  await answer('retrieval_results.json', 'retrieve folded/gru_stacked --folds --out folded-evaluation')
  await answer('comparison.json', 'compare folded/gru_stacked exponential_mean --folds --out folded-evaluation')
}
