import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LiveCurve, MOST_POINTS } from '../../lib/train/watch/live-curve.js'
import { LiveTraining } from '../../lib/train/watch/live-training.js'
import { openWatchServer } from '../../lib/train/watch/watch-server.js'
import { appended, asked, listen } from './event-stream.js'

describe('the server of the page', () => {
  it('the server answers only to its own names, for its two paths, and not to pages of other sites', async () => {
    const server = await openWatchServer(0, new LiveTraining())
    const { port } = new URL(server.url)
    const status = async (path: string, headers: Record<string, string> = {}) => {
      const response = await asked(`${server.url}${path}`, headers)
      response.destroy()
      return response.statusCode
    }
    expect(await status('')).toBe(200)
    expect(await status('?x=1', { Host: `localhost:${port}` })).toBe(200)
    for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, '127.0.0.1', '127.0.0.1:1'])
      for (const path of ['', 'events']) expect(await status(path, { Host: host }), host).toBe(403)
    expect(await status('events', { 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    expect(await status('events', { 'Sec-Fetch-Site': 'same-origin' })).toBe(200)
    expect(await status('metrics.jsonl')).toBe(404)
    expect((await fetch(server.url, { method: 'POST' })).status).toBe(405)
    const page = await fetch(server.url)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; connect-src 'self'")
    expect((await page.text()).match(/(src|href)="?(https?:)?\/\//g)).toBeNull()
    await server.close()
    await expect(fetch(server.url)).rejects.toThrow()
  })

  it('a page that does not read is dropped, others go on, and the end does not wait for it', async () => {
    const training = new LiveTraining()
    const server = await openWatchServer(0, training, { every: 1 })
    const reading = await listen(server.url)
    const silent = () => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      socket.on('error', () => {}).pause()
      socket.write(`GET /events HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\n\r\n`)
      return socket
    }
    const deaf = silent()
    await sleep(50)
    const large = 'x'.repeat(100_000)
    while (reading.messages() < 40) {
      training.hear({ type: 'warning', code: 'X', message: large })
      server.changed()
      await sleep(5)
    }
    const held = await new Promise<number>((done) => {
      let bytes = 0
      deaf.on('data', (piece) => {
        bytes += piece.length
      })
      deaf.on('close', () => done(bytes))
      deaf.resume()
    })
    expect(held).toBeLessThan(20e6)
    silent()
    await sleep(50)
    training.end()
    const before = performance.now()
    await server.close()
    expect(performance.now() - before).toBeLessThan(3000)
    await reading.ended
    expect(reading.shown.training.state).toBe('stopped')
  })
})

describe('a curve of many points', () => {
  it('a curve of a million lines has few points, whose means are those of the lines, and its changes give the whole', () => {
    const curve = new LiveCurve(['step', 'loss', 'lr'], ['step', 'lr'])
    let read: ReturnType<typeof appended> = []
    const most = 1_000_000
    for (let step = 1; step <= most; step++) {
      curve.add({ step, loss: step % 10, lr: 1 / step })
      if (step % 9973 === 0 || step === most) read = appended(read, curve.change() as never)
    }
    const { lines, rows } = curve.whole()
    expect(rows.length).toBeLessThanOrEqual(MOST_POINTS)
    expect(rows.length).toBeGreaterThanOrEqual(MOST_POINTS / 2)
    expect(lines).toBe(1024)
    expect(read).toEqual(appended([], curve.whole() as never))
    expect(rows[1]![0]).toBe(2048)
    const mean = Array.from({ length: 1024 }, (_, i) => (1024 + i + 1) % 10).reduce((a, b) => a + b) / 1024
    expect(rows[1]![1]).toBeCloseTo(mean, 10)
    expect(rows.at(-1)!.slice(0, 1)).toEqual([most])
    expect(JSON.stringify(curve.whole()).length).toBeLessThan(100_000)
    expect(curve.change()).toBeUndefined()
  })

  it('figures that are missing or not finite are null and leave the mean to the others', () => {
    const curve = new LiveCurve(['step', 'loss'], ['step'])
    for (let step = 1; step <= 2 * MOST_POINTS; step++) curve.add({ step, ...(step % 2 === 0 && { loss: step === 4 ? NaN : 3 }) })
    expect(curve.whole().rows.slice(0, 2)).toEqual([
      [2, 3],
      [4, null],
    ])
  })
})
