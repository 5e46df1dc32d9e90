import type { Collector } from './collector.js'

/** A bank in a folder of LanceDB, and a run that is searched for in it. */
export async function banks({ answer }: Collector): Promise<void> {
  await answer('bank push --json', 'bank push data lance:banks')
  await answer('bank info --json', 'bank info lance:banks')
  await answer('bank verify --json', 'bank verify lance:banks data')
  await answer('retrieval_results.json', 'retrieve a --bank lance:banks --out B')
}
