import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openModel } from '../../lib/checkpoint/open-model.js'
import { openStore } from '../../lib/checkpoint/run-store.js'
import { load } from '../../lib/index.js'
import { TINY, trained, vectorFile } from '../train/runs.js'

vi.mock('../../lib/checkpoint/open-model.js', { spy: true })

it('load reads the newer save when the run is saved twice between check and reading', async () => {
  await trained({ ...TINY, data: await vectorFile('base'), model: 'lstm', name: 'busy', epochs: 1 })
  const folder = join(TINY.out, 'busy')
  const store = await openStore(folder)
  const saveAgain = async () => {
    const { files, digest: _, ...manifest } = store.current()!.manifest
    await store.save({ files: {}, keep: Object.keys(files), manifest })
  }
  const real = (await vi.importActual<typeof import('../../lib/checkpoint/open-model.js')>('../../lib/checkpoint/open-model.js'))
    .openModel
  vi.mocked(openModel).mockImplementationOnce(async (...given) => {
    await saveAgain()
    await saveAgain()
    return real(...given)
  })
  using model = await load(folder)
  expect(model.manifest.generation).toBe(store.current()!.generation)
  expect(vi.mocked(openModel)).toHaveBeenCalledTimes(2)
  await store.close()
})
