import { type Baseline, type BaselineName, fitBaselines } from '../../baselines/baselines-fit.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import { NAMES } from '../../evaluate/results-table.js'
import type { Chosen } from '../../evaluate/subject.js'
import { stage } from '../../stages.js'
import { type FindingName, fitFinding } from '../../train/finding-queries.js'

/** Names of the queries without a network: the baselines, and two that are fitted to find. */
export type QueryName = BaselineName | FindingName
export type Query = Baseline<QueryName>
export const QUERY_NAMES: Readonly<Record<QueryName, string>> = {
  ...NAMES,
  exponential_mean_top10: 'exp. mean, for Top-10',
  whitened_mean: 'exp. mean, whitened',
}

/** Fits all queries without a network on the training windows; without any, those that need no fitting. */
export async function fitQueries({ train }: Pick<Chosen, 'train'>): Promise<Query[]> {
  const baselines: Query[] = await fitBaselines(train, { cache: baselinesCache() })
  return train === undefined
    ? baselines
    : [...baselines, ...(await stage('fit the queries that find', () => fitFinding(train, baselinesCache())))]
}
