import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { badOption } from '../errors.js'

/** Where a bank is. */
export interface BankAddress {
  readonly database: 'lance' | 'postgres'
  /** Folder of LanceDB, or address of a server, with its password. */
  readonly place: string
  readonly table: string
  /** The address without a password. */
  readonly shown: string
}

const TABLE = /^[a-z_][a-z0-9_]{0,50}$/
const SCHEME = /^([a-z][a-z0-9+.-]+):/i

/** Whether a text is the address of a bank and not the path of a file. */
export const isBankAddress = (text: string): boolean => /^(lance|file|postgres|postgresql):/i.test(text)

/** Replaces the passwords of addresses in a text. */
export const withoutPasswords = (text: string): string =>
  text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s]*@/gi, '$1:***@')
    .replace(/([?&](?:password|sslpassword)=)[^\s&#]*/gi, '$1***')

function tableOf(owner: string, name: string): string {
  if (TABLE.test(name)) return name
  throw badOption(owner, 'table', 'a name of lower-case letters, digits and _', name)
}

/** Reads the address of a bank: `lance:FOLDER`, the path or file: address of a folder, or `postgres://…`; `?table=NAME` names its table. Errors: BAD_OPTION. */
export function bankAddress(owner: string, text: string): BankAddress {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase()
  if (scheme === 'postgres' || scheme === 'postgresql') {
    let url: URL
    try {
      url = new URL(text)
    } catch {
      throw badOption(owner, 'url', 'an address such as postgres://user@host/database', `${scheme}:…`)
    }
    const table = tableOf(owner, url.searchParams.get('table') ?? 'vectors')
    url.searchParams.delete('table')
    const shown = new URL(url)
    shown.password = ''
    for (const key of ['password', 'sslpassword']) shown.searchParams.delete(key)
    shown.searchParams.set('table', table)
    return { database: 'postgres', place: url.href, table, shown: shown.href }
  }
  const isPath = scheme === undefined || scheme.length === 1 // a drive of Windows
  if (!isPath && scheme !== 'lance' && scheme !== 'file')
    throw badOption(owner, 'url', 'an address that begins with lance: or postgres://, or a folder', withoutPasswords(text))
  const [path, query = ''] = text.split(/\?(?=[^?]*$)/) as [string, string?]
  const table = tableOf(owner, new URLSearchParams(query).get('table') ?? 'vectors')
  const folder = resolve(scheme === 'file' ? fileURLToPath(path) : isPath ? path : path.slice('lance:'.length))
  return { database: 'lance', place: folder, table, shown: `lance:${folder}?table=${table}` }
}
