import { provenance } from '../../evaluate/subject.js'
import { wasTrainedOn } from '../../evaluate/trained-on.js'
import { native } from '../../native.js'
import { FEWEST_ARTICLES } from '../../statistics/estimates.js'
import type { AbtestEntry, ArmEntry, EqualTime, HeuristicComparison } from './abtest-entry.js'
import { decide } from './abtest-verdict.js'
import { type ArmLatency, affordableK, NOISE, timeArms } from './arm-latency.js'
import type { Arm } from './arms.js'
import { type Ranked, SCORES, testPairs } from './compare-arms.js'
import type { Contest } from './open-contest.js'

interface Settings {
  readonly k: number
  readonly seed: number
  readonly latency: number
  readonly say: (line: string) => void
}
type Measured = Ranked & { readonly arm: Arm; readonly latency: ArmLatency | null }

const mean = (ranks: Int32Array, score: (rank: number) => number): number =>
  ranks.reduce((sum, rank) => sum + score(rank), 0) / ranks.length
const hitRate = (ranks: Int32Array, k: number): number => mean(ranks, (rank) => SCORES.hit_rate(rank, k))

function entryOf({ arm, ranks, latency }: Measured, k: number): ArmEntry {
  const hit_rate = hitRate(ranks, k)
  return {
    name: arm.name,
    kind: arm.kind,
    params: arm.params,
    hit_rate,
    mrr: mean(ranks, (rank) => SCORES.mrr(rank, k)),
    latency,
    hits_per_ms: latency && hit_rate / latency.p50_ms,
  }
}

/** Gives the heuristic the model's time, for as many rows as it then finds. */
async function atEqualTime(model: Measured, rival: Measured, { pool }: Contest, k: number): Promise<EqualTime | null> {
  const budget_ms = model.latency?.p50_ms
  if (budget_ms === undefined) return null
  const share = rival.latency!.p50_ms / budget_ms
  if (share > 1 + NOISE) return { budget_ms, k: null, hit_rate: null, difference: null }
  const afforded = share > 1 - NOISE ? k : await affordableK(rival.arm, pool, k, budget_ms)
  const hit_rate = hitRate(rival.ranks, afforded)
  return { budget_ms, k: afforded, hit_rate, difference: hitRate(model.ranks, k) - hit_rate }
}

async function measure(contest: Contest, { k, latency, say }: Settings): Promise<Measured[]> {
  const found: Int32Array[] = []
  for (const arm of contest.arms) {
    say(`${arm.name}: searching`)
    found.push(await arm.ranks())
  }
  if (latency > 0) say(`timing ${contest.arms.length} arms`)
  const times = latency > 0 ? await timeArms(contest.arms, contest.pool, k, latency) : []
  return contest.arms.map((arm, i) => ({ arm, name: arm.name, ranks: found[i]!, latency: times[i] ?? null }))
}

/** Compares all runs with all heuristics, in one family of tests. Errors: DIVERGED when a prediction is not finite. */
export async function judgeArms(contest: Contest, o: Settings): Promise<AbtestEntry[]> {
  const { chosen, pool, oracle, models } = contest
  const measured = await measure(contest, o)
  const runs = measured.filter(({ arm }) => arm.kind === 'run')
  const heuristics = measured.filter(({ arm }) => arm.kind === 'heuristic')
  const pairs = runs.flatMap((run) => heuristics.map((heuristic) => ({ run, heuristic })))
  const articles = chosen.ids.map((id) => chosen.windows.article[id]!)
  const [hits, mrr] = [await testPairs(pairs, articles, 'hit_rate', o), await testPairs(pairs, articles, 'mrr', o)]
  const count = new Set(articles).size
  const from = await provenance(chosen)
  const entries: AbtestEntry[] = []
  for (const [r, run] of runs.entries()) {
    const comparisons: HeuristicComparison[] = []
    for (const [h, rival] of heuristics.entries()) {
      const i = r * heuristics.length + h
      comparisons.push({
        against: rival.name,
        hit_rate: hits[i]!,
        mrr: mrr[i]!,
        discordant: run.ranks.filter((rank, w) => rank <= o.k !== rival.ranks[w]! <= o.k).length,
        identical: run.ranks.every((rank, w) => rank === rival.ranks[w]),
        equal_time: await atEqualTime(run, rival, contest, o.k),
      })
    }
    const model = models[r]!
    entries.push({
      run: model.name,
      model: model.manifest.model,
      weights_sha256: model.weights,
      ...from,
      bank: { path: pool.base.path, hash: pool.base.hash, rows: pool.rows, space: pool.base.space ?? null },
      context: chosen.windows.context,
      k: o.k,
      n: articles.length,
      articles: count,
      ci95_note: count < FEWEST_ARTICLES ? `${count} articles are too few for an interval (${FEWEST_ARTICLES} at least)` : null,
      seed: o.seed,
      family: pairs.length,
      oracle,
      arms: [run, ...heuristics].map((one) => entryOf(one, o.k)),
      comparisons,
      verdict: wasTrainedOn(from)
        ? null
        : decide(
            comparisons,
            heuristics.map((one) => entryOf(one, o.k)),
            o,
          ),
      libtorch: native.libtorchVersion(),
    })
  }
  return entries
}
