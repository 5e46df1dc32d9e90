import type { MadeData } from '../lib/index.js'
import { count, shellWord } from '../lib/show.js'
import { FEWEST_WINDOWS, USUAL_CONTEXT } from '../lib/text/corpus/training-context.js'
import { program } from './command-line.js'
import { nearby } from './output.js'

/** Says what to type after `data make`, or what the texts lack. */
export function makeNext({ out, context, longest_article }: Pick<MadeData, 'out' | 'context' | 'longest_article'>): string {
  const ceiling = `${program()} ceiling --data ${shellWord(nearby(out))}`
  if (context === USUAL_CONTEXT) return `next: ${ceiling}`
  const longest = `the longest article has ${count(longest_article)} ${longest_article === 1 ? 'sentence' : 'sentences'}`
  if (context > 0)
    return [
      `few      too few articles have the ${USUAL_CONTEXT + 1} sentences of a window: ${longest}; --context ${context} needs ${context + 1}`,
      `next: ${ceiling} --context ${context}`,
    ].join('\n')
  return [
    `few      no predictor can be trained: that needs ${FEWEST_WINDOWS} windows of consecutive sentences, in at least two articles, and ${longest}`,
    'next: add longer texts (a file is an article, or all records with one --article KEY), then run this command again with --force',
  ].join('\n')
}
