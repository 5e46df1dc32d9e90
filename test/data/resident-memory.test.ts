import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Tensor } from '../../lib/torch/tensor.js'
import { scratch } from '../files/fixture.js'

const MB = 2 ** 20
/** Memory-maps a file of zeros that takes no space on the disk. */
function mapped(name: string, size: number): Tensor {
  const file = openSync(scratch(name), 'w')
  ftruncateSync(file, size * MB)
  closeSync(file)
  return Tensor.map(scratch(name), { offset: 0, shape: [size * (MB / 4)], dtype: 'float32' })
}
const filePages = () => Number(/RssFile:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
const sumOf = async (tensor: Tensor) => {
  using sum = await tensor.op('aten::sum')
  return sum.item()
}

test.runIf(process.platform === 'linux')(
  'pages of mapped files are given back while they are read, except where they were written to',
  async () => {
    const before = filePages()
    using large = mapped('large', 2048)
    using written = mapped('written', 640)
    using part = await written.op('aten::narrow', 0, 1000, 3)
    ;(await part.op('aten::add_.Scalar', 2)).dispose()
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, filePages() - before)
    }, 2)
    expect(await sumOf(large)).toBe(0)
    expect(await sumOf(written)).toBe(6)
    expect(await sumOf(large)).toBe(0)
    clearInterval(watch)
    expect(most).toBeGreaterThan(300)
    expect(most).toBeLessThan(640 + 1024) // all pages would be 2,688 MB; a written file keeps its own
    expect(await sumOf(written)).toBe(6)
  },
)
