import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { native } from '../../lib/native.js'

/** Whether something listens at a port of an address. */
async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

it.runIf(process.platform === 'linux')('the store of ranks on one machine listens at 127.0.0.1 only', async () => {
  const ranks = await native.ranks({
    rank: 0,
    size: 2,
    address: '127.0.0.1',
    port: 0,
    serve: true,
    prefix: 'x',
    timeout: 1000,
    shareMemory: true,
  })
  try {
    const port = native.ranksPort(ranks)
    expect(await answers('127.0.0.1', port)).toBe(true)
    expect(await answers('127.0.0.2', port)).toBe(false) // a socket on every interface would answer here too
  } finally {
    native.dispose(ranks)
  }
})
