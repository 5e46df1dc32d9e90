import { parentPort } from 'node:worker_threads'
import type { PngAnswer, PngTask } from './draw-png.js'
import { rasteriser } from './rasterise.js'

const rasterise = rasteriser()
const say = (answer: PngAnswer) => parentPort!.postMessage(answer)
parentPort!.on('message', async ({ svg, fonts }: PngTask) => {
  try {
    say({ png: (await rasterise)(svg, fonts) })
  } catch (failed) {
    say({ failed })
  }
})
