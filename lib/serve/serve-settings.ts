import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createSecureContext } from 'node:tls'
import { fileError, LvmError } from '../errors.js'
import { resolve } from '../options.js'
import type { Certificate } from './http/listener.js'
import { type ServeSettings, serveFields } from './serve-fields.js'

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

/** Checks the options of `serve`. Errors: BAD_OPTION. */
export function serveSettings(given: Readonly<Record<string, unknown>>): ServeSettings {
  const settings = resolve('serve', serveFields, given)
  const { host, apiKeyFile, insecure, cert, key } = settings
  const bad = (sentence: string, hint: string) => new LvmError('BAD_OPTION', `serve: ${sentence}`, { hint })
  if (!LOOPBACK.test(host) && apiKeyFile === undefined && !insecure)
    throw bad(
      `everyone who reaches ${host} could use the server`,
      'give --api-key-file FILE, or --insecure when something in front of the server checks its clients',
    )
  if (insecure && apiKeyFile !== undefined) throw bad('--insecure has no effect beside --api-key-file', 'leave one of them out')
  if (insecure && LOOPBACK.test(host)) throw bad(`--insecure has no effect on ${host}`, 'leave it out, or choose another --host')
  if ((cert === undefined) !== (key === undefined)) throw bad('--cert and --key need each other', 'give both, or neither')
  if (settings.encoder !== undefined && settings.bank === undefined)
    throw bad('--encoder has no effect without --bank', 'add --bank BASE, whose texts it encodes again')
  return settings
}

/** Reads the certificate and its key; undefined without them. Errors: FILE_…, BAD_OPTION. */
export async function readCertificate({ cert, key }: ServeSettings): Promise<Certificate | undefined> {
  if (cert === undefined || key === undefined) return undefined
  const read = (file: string) =>
    readFile(file).catch((error: unknown) => {
      throw fileError(error, 'could not read the certificate')
    })
  const pair = { cert: await read(cert), key: await read(key) }
  try {
    createSecureContext(pair)
    return pair
  } catch (cause) {
    throw new LvmError('BAD_OPTION', `serve: ${cert} and ${key} are not a certificate and its private key in PEM`, {
      cause,
      hint: 'check both files',
    })
  }
}

/** Turns an error of listening into ours. */
export function listenError(error: unknown, { host, port }: ServeSettings): unknown {
  const { code } = error as NodeJS.ErrnoException
  const bad = (sentence: string, hint: string) => new LvmError('BAD_OPTION', `serve: ${sentence}`, { hint, cause: error })
  if (code === 'EADDRINUSE') return bad(`port ${port} of ${host} is in use`, 'choose another --port; 0 picks a free one')
  if (code === 'EACCES') return bad(`port ${port} of ${host} needs more rights`, 'choose a --port from 1024 on')
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EINVAL')
    return bad(`${host} is no address of this machine`, 'choose another --host')
  return error
}

/** Checks that the port is free before a run is loaded. Errors: BAD_OPTION. */
export const tryPort = (settings: ServeSettings): Promise<void> =>
  new Promise((done, fail) => {
    const probe = createServer()
    probe.once('error', (error) => fail(listenError(error, settings)))
    probe.listen({ host: settings.host, port: settings.port }, () => probe.close(() => done()))
  })
