import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { vi } from 'vitest'
import { bundle } from '../../lib/bundle/bundle.js'
import { lockRun } from '../../lib/files/lock.js'
import { openPt } from '../../lib/files/pt.js'
import { native } from '../../lib/native.js'
import { logLine } from '../../lib/study/abtest/served-log.js'
import { smallLibtorch } from '../bundle/unpacked.js'
import { bytesOf, npy } from '../files/fixture.js'
import { files, torch } from '../libtorch/fake.js'
import { FIXTURE, goldenOf } from '../text/inverter-fixture.js'
import { banks } from './bank-samples.js'
import { bases } from './base-samples.js'
import { type Collector, collector } from './collector.js'
import { encoders, makes } from './encoder-samples.js'
import { experiments } from './experiment-samples.js'
import { folds } from './fold-samples.js'
import { loads } from './load-samples.js'
import { logRecords } from './log-records.js'
import { ownArchitectures } from './own-samples.js'
import { profiles } from './profile-samples.js'
import { writeBase } from './sample-base.js'
import { serves } from './serve-samples.js'
import { trainingLogs } from './training-log-samples.js'

const small = '--preset tiny --epochs 2 --threads 1 --max-windows 64'

async function trainings({ keep, answer, events, run }: Collector): Promise<void> {
  const trained = [
    ...(await events(`train lstm --data data --test 0.1 --ema 0.9 --save-every 1 ${small} --name a`)),
    // an epoch cut short, and more steps than were planned
    ...(await events(
      `train lstm --data data --lr auto --batch-size auto --ema 0.9 --schedule warmup-cosine ${small} --max-steps 1 --name x`,
    )),
    ...(await events('train lstm --resume --max-steps 3 --extend restart --name x')),
    // at such a rate the average is better than the raw weights
    ...(await events(`train lstm --data data --ema 0.9 --lr 0.1 ${small} --name y`)),
    ...(await events(`train gru --data data --split file --val val --processes 2 ${small} --name b`)),
    ...(await events(`train gru --data data --history article --objective sequence --loss contrastive ${small} --name h`)),
  ]
  for (const event of trained) keep(`event ${event.type}${event.type === 'result' ? ' of train' : ''}`, event)
  const several = await events(`train lstm --data data ${small} --epochs 1 --seeds 2 --name s --out rest`)
  keep('event result of train --seeds', several.at(-1))
  keep('event error', ...(await events('train lstm --data missing')))
  await answer('import --json', `import ${run('b', 'best_model.pt')} --model gru --name i`)
  const started = await events(`train gru --data data ${small} --layers 3 --init b --name c`)
  keep(
    'event init',
    started.find(({ type }) => type === 'init'),
  )
}

/** Decodes vectors of another space than the decoder's, over a bridge, and predictions for the report. */
async function generated({ folder, keep, answer, events, read }: Collector): Promise<void> {
  const { vectors, texts } = goldenOf(FIXTURE).mean
  writeFileSync(join(folder, 'mean.npy'), npy('<f4', [texts.length, 16], bytesOf(Float32Array.from(vectors.flat()))))
  const lines = texts.map((text, index) => `${JSON.stringify({ article: 'a', index, text })}\n`)
  writeFileSync(join(folder, 'mean.jsonl'), lines.join(''))
  writeFileSync(join(folder, 'mean.card.json'), JSON.stringify({ space: 'gtr-mean' }))
  await answer(
    'decode --json',
    `decode mean.npy --decoder ${resolve(FIXTURE, 'st')} --bridge --bank mean --steps 1 --max-length 12`,
  )
  writeBase(join(folder, 'gtr'), 'g', 60, 16, 'gtr-st')
  await events(`train lstm --data gtr ${small} --name g --out rest`)
  await answer(
    'validation_results.json',
    `evaluate rest/g --latency 0 --out G --decoder ${resolve(FIXTURE, 'st')} --steps 1 --max-length 12`,
  )
  keep('sentences.json', read('G/sentences.json'))
}

async function evaluations(collector: Collector): Promise<void> {
  const { keep, answer, lvm, read } = collector
  await answer('validation_results.json', 'evaluate a b --rows train --latency 0 --out T')
  await answer('validation_results.json', 'evaluate a b --latency 0.01')
  keep('validation_results.json', read('artifacts/lvm/evaluation/validation_results.json'))
  for (const name of ['inference_benchmarks.json', 'sentences.json']) keep(name, read(join('artifacts/lvm/evaluation', name)))
  await answer('predict --json', 'predict b --raw --out guess.npy')
  await lvm('evaluate b guess=guess.npy --latency 0 --out O')
  keep('outside_results.json', read('O/outside_results.json'))
  await answer('diagnostics.json', 'doctor b guess=guess.npy --steps 0 --out O')
  await answer('retrieval_results.json', 'retrieve a b')
  keep('retrieval_results.json', read('artifacts/lvm/evaluation/retrieval_results.json'))
  await answer('comparison.json', 'compare a exponential_mean')
  await answer('comparison.json', 'compare b guess=guess.npy --out O')
  await answer('comparison.json', 'compare c copy_last --data data --data val')
  keep('comparison.json', read('artifacts/lvm/evaluation/comparison.json'))
  await answer('abtest_results.json', 'abtest b --latency 0.05')
  await answer('abtest_results.json', 'abtest a --rows train --latency 0 --out T')
  keep('abtest_results.json', read('artifacts/lvm/evaluation/abtest_results.json'))
  await answer('audit.json', 'data audit data --against val --out E')
  keep('audit.json', read('E/audit.json'))
  for (const verb of ['ceiling', 'arrow']) {
    await answer(`${verb}.json`, `${verb} --data data --out E`)
    keep(`${verb}.json`, read(`E/${verb}.json`))
  }
  await answer('synth --json', 'synth --rows 80 --articles 4 --out S.npy')
  await answer('ceiling.json', 'ceiling --data S')
  await answer('predict --json', 'predict a --out P.npy')
  keep('P.json', read('P.json'))
  await answer('predict --json', 'predict h --out H.npy')
  keep('P.json', read('H.json'))
  await answer('decode --json', 'decode a --limit 2')
  await answer('decode --json', 'decode P.npy --limit 1')
  await answer('decode --json', 'decode data --bank val --limit 1')
  await answer('next --json', 'next a --data data --k 2 --steps 2')
  await generated(collector)
  await answer('rollout --json', 'rollout a --steps 2 --text')
  await answer('diagnostics.json', 'doctor a --ood val --steps 2')
  await answer('error_analysis.json', 'analyze a --ood val --points 20 --clusters 2 --text')
  for (const name of ['diagnostics.json', 'error_analysis.json']) keep(name, read(join('artifacts/lvm/evaluation', name)))
  await answer('selftest --json', 'selftest')
  await answer('export --json', 'export a')
}

async function logs({ folder, keep, answer, read }: Collector): Promise<void> {
  const records = logRecords()
  writeFileSync(join(folder, 'F.jsonl'), records.map(logLine).join(''))
  keep('F.jsonl', ...records, { ...records[1], reward: 1 })
  await answer('abtest_live.json', 'abtest --log F.jsonl')
  keep('abtest_live.json', read('artifacts/lvm/evaluation/abtest_live.json'))
}

async function smallerRuns({ keep, answer, events, read }: Collector): Promise<void> {
  const lenient = '--latency 0.01 --max-drop 2 --max-drop-top10 100'
  await answer('quantize --json', `quantize a --keep core.lstm.weight_hh_l0 ${lenient}`)
  keep('kernels.json', read('cache/lvm-torch/kernels.json'))
  await events(`train transformer --data data ${small} --epochs 1 --name t`)
  await answer('prune --json', `prune t --sparsity 0.5 --structured neurons ${lenient}`)
  await answer('inference_benchmarks.json', 'benchmark a --seconds 0.05 --rounds 5 --device cpu,mps,cuda')
  const measured = 'artifacts/lvm/evaluation/inference_benchmarks.json'
  await answer('benchmark compare --json', `benchmark compare ${measured} ${measured}`)
}

async function reports({ folder, keep, answer, events, read, run }: Collector): Promise<void> {
  const swept = `--data data --models mlp,hyena --model-file mine.mjs --objective sequence ${small} --latency 0.01 --out swept --evaluation swept-evaluation`
  for (const event of await events(`sweep ${swept} --budget 1h`))
    keep(`event ${event.type}${event.type === 'result' ? ' of sweep' : ''}`, event)
  keep('sweep.json', read('swept-evaluation/sweep.json'))
  keep('report.json', read('swept-evaluation/report.json'))
  await events(`train mlp --data data ${small} --seed 5 --name e`)
  await events(`train mlp --data data ${small} --seed 6 --name f`)
  mkdirSync(join(folder, run('damaged', '.')), { recursive: true })
  writeFileSync(join(folder, run('damaged', 'manifest.json')), '{}')
  await answer('report.json', 'report')
  writeFileSync(
    join(folder, 'artifacts/lvm/evaluation/x.json'),
    JSON.stringify({ ...read('artifacts/lvm/evaluation/report.json'), seeds: [1] }),
  )
  await answer('verify --json', 'verify artifacts/lvm/evaluation/x.json --recompute')
  rmSync(join(folder, run('damaged', '.')), { recursive: true })
}

async function runFolders({ folder, keep, read, run }: Collector): Promise<void> {
  for (const name of ['a_int8', 't_pruned']) keep('manifest.json', read(run(name, 'manifest.json')))
  for (const name of ['a', 'b', 'c', 'h', 'i', 'x', 'y']) {
    for (const file of ['config.json', 'training_history.json', 'manifest.json']) keep(file, read(run(name, file)))
    keep('generations/current', read(run(name, 'generations/current')))
    keep('best_model.pt', (await openPt(join(folder, run(name, 'best_model.pt')))).value)
  }
  for (const name of ['a', 'y']) keep('final_model.pt', (await openPt(join(folder, run(name, 'final_model.pt')))).value)
  keep('split.json', read(run('a', 'split.json')), read(run('b', 'split.json')))
}

async function runVerbs({ folder, keep, answer, read, run }: Collector): Promise<void> {
  const lock = await lockRun(join(folder, run('a', '')))
  keep('lock', read(run('a', 'lock')))
  for (const name of ['a', 'x']) await answer('runs show --json', `runs show ${name}`)
  await lock.release()
  await answer('runs diff --json', 'runs diff a x')
  appendFileSync(join(folder, run('b', 'generations/000003/config.json')), ' ')
  await answer('runs list --json', 'runs list')
  await answer('runs show --json', 'runs show b')
  await answer('runs restore --json', 'runs restore b')
  writeFileSync(join(folder, 'rest', 's_seed1', 'notes.txt'), 'mine')
  await answer('runs prune --json', 'runs prune rest/s_seed1 --yes')
  await answer('runs rm --json', 'runs rm rest/s_seed1 rest/s_seed2 --yes')
}

async function program({ cache, keep, answer, read }: Collector): Promise<void> {
  for (const how of ['', ' --processes 2 --shard-optimizer', ' --ranks 4 --no-measure'])
    await answer('plan --json', `plan lstm --preset tiny --rows 2000 --dim 8 --threads 1${how}`)
  for (const verb of ['models', 'models show']) await answer(`${verb} --json`, verb === 'models' ? verb : `${verb} transformer`)
  await answer('errors --json', 'errors')
  await answer('doctor --json', 'doctor')
  await answer('doctor --json', 'doctor', { LVM_TORCH_LIBTORCH: '/nonexistent' })
  for (const part of ['trials', 'baselines', 'audits'])
    for (const name of readdirSync(join(cache, 'lvm-torch', part)).filter((name) => name.endsWith('.json')))
      keep(`${part}/*.json`, read(join('cache', 'lvm-torch', part, name)))
}

async function bundles({ folder, keep, answer, read, run }: Collector): Promise<void> {
  native.libtorchVersion() // loads the real libtorch, because the bank is opened with it
  vi.stubEnv('LVM_TORCH_LIBTORCH', smallLibtorch(join(folder, 'small-libtorch')))
  const [runs, bank, out] = [[join(folder, run('a', '.'))], join(folder, 'data'), join(folder, 'app.tgz')]
  keep('bundle --json', await bundle({ runs, bank, out, level: 1 }))
  vi.unstubAllEnvs()
  mkdirSync(join(folder, 'app'))
  execFileSync('tar', ['-xzf', 'app.tgz', '-C', 'app'], { cwd: folder })
  keep('manifest.json of a bundle', read('app/manifest.json'))
  await answer('bundle verify --json', 'bundle verify app')
}

async function installation({ folder, keep, answer, events, read }: Collector): Promise<void> {
  const none = { LVM_TORCH_LIBTORCH: '' }
  const from = files(join(folder, 'libtorch'), torch('2.13.0'))
  const installing = await events(`libtorch install --from ${from}`, none)
  for (const event of installing) keep(`event ${event.type} of libtorch install`, event)
  keep('libtorch/*/variant.json', read('cache/lvm-torch/libtorch/2.13.0-cpu/variant.json'))
  for (const verb of ['list', 'info', 'use cpu', 'verify', 'remove cpu'])
    await answer(`libtorch ${verb.split(' ')[0]} --json`, `libtorch ${verb}`, none)
}

/** Makes one sample of every file and event, by its heading in docs/formats.md; later steps use the runs of earlier ones. */
export async function samples(folder: string): Promise<Map<string, unknown[]>> {
  const collected = collector(folder)
  // biome-ignore format: one list
  const steps = [
    bases, makes, trainings, trainingLogs, evaluations, banks, profiles, encoders, logs, smallerRuns, loads,
    serves, ownArchitectures, reports, folds, experiments, runFolders, runVerbs, program, bundles, installation,
  ]
  try {
    for (const step of steps) await step(collected)
  } finally {
    collected.end()
  }
  return collected.found
}
