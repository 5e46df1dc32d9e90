import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type Frame, readFrames, writeFrame } from '../../lib/serve/frames.js'

const SENT = [
  {
    id: 7,
    kind: 1,
    header: { text: 'ü', list: [1, 2] },
    parts: [Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(3)],
  },
  { id: 8, kind: 2, parts: [Float32Array.of(0.1, Number.NaN)] },
  { id: 9, kind: 3, header: 5 },
  { id: 2 ** 32 - 1, kind: 0 },
]

test.each([1, 3, 16, 17, 1000])('frames arrive as they were sent, in pieces of %d bytes', (size) => {
  const out = new PassThrough()
  for (const frame of SENT) writeFrame(out, frame)
  const bytes = out.read() as Buffer
  const to = new PassThrough()
  const got: Frame[] = []
  readFrames(to, (frame) => got.push(frame))
  for (let at = 0; at < bytes.length; at += size) to.emit('data', bytes.subarray(at, at + size))
  expect(got).toEqual(
    SENT.map(({ id, kind, header, parts = [] }) => ({
      id,
      kind,
      header,
      payload: Float32Array.from(parts.flatMap((part) => [...part])),
    })),
  )
})

test('a part of a larger array is sent without the rest', () => {
  const pipe = new PassThrough()
  const got: Frame[] = []
  readFrames(pipe, (frame) => got.push(frame))
  writeFrame(pipe, { id: 1, kind: 1, parts: [Float32Array.of(1, 2, 3, 4).subarray(1, 3)] })
  pipe.end()
  return new Promise<void>((done) => pipe.on('end', done)).then(() => expect(got[0]!.payload).toEqual(Float32Array.of(2, 3)))
})
