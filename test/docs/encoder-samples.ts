import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeHub } from '../text/fake-hub.js'
import { tinyEncoder, writeTinyEncoder } from '../text/tiny-encoder.js'
import type { Collector } from './collector.js'

/** Samples of what `encoders` and `encode` write. */
export async function encoders({ folder, keep, answer, events, read }: Collector): Promise<void> {
  const hub = await fakeHub({ ...tinyEncoder(), 'README.md': Buffer.from('---\nlicense: mit\n---\n') })
  try {
    const fetched = await events(`encoders fetch us/small --hub ${hub.url}`)
    keep('event progress of encoders fetch', ...fetched.filter(({ type }) => type === 'progress'))
    keep('event result of encoders fetch', fetched.at(-1))
  } finally {
    await hub.close()
  }
  await answer('encoders list --json', 'encoders list')
  await answer('encoders verify --json', 'encoders verify')
  const entry = `cache/lvm-torch/encoders/us--small--${hub.commit.slice(0, 12)}`
  for (const file of ['fetched.json', 'golden.json']) keep(`encoders/*/${file}`, read(`${entry}/${file}`))
  writeTinyEncoder(join(folder, 'encoder'))
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i * i}`)
  writeFileSync(join(folder, 'lines.txt'), texts.join('\n'))
  await answer(
    'encode --json',
    'encode --encoder encoder --input lines.txt --out V.npy --prompt q --pooling cls --dense skip --normalize always',
  )
  keep('<base>.card.json', read('V.card.json'))
  keep('encode without --out', (await events('encode --encoder us/small --input lines.txt'))[0])
  await answer('audit.json', 'data audit V --encoder encoder')
}

/** A base that is made from texts with a tiny encoder. */
export async function makes({ folder, keep, events, read }: Collector): Promise<void> {
  const encoder = new URL('../text/encoders/fixtures/tiny-bert', import.meta.url).pathname
  mkdirSync(join(folder, 'texts'))
  writeFileSync(join(folder, 'texts', 'a.md'), '---\ncategories: [one]\n---\nA dog runs over the road. A cat sleeps on the roof.')
  writeFileSync(join(folder, 'texts', 'b.html'), 'left out')
  for (const event of await events(`data make texts --encoder ${encoder} --out made`))
    keep(`event ${event.type} of data make`, event)
  keep('<base>.jsonl', JSON.parse(readFileSync(join(folder, 'made.jsonl'), 'utf8').split('\n')[0]!))
  keep('<base>.card.json', read('made.card.json'))
}
