import { LvmError } from '../errors.js'
import type { Global } from './pickle-globals.js'

/**
 * Placeholder for an object of an unknown class, or for a tensor of an unsupported kind.
 *
 * No code of the class runs, and its state is dropped; only the items of a dict subclass are kept.
 */
export class Opaque extends Map<unknown, unknown> {
  constructor(
    /** Description for error messages. */
    readonly what: string,
  ) {
    super()
  }
}

/** Python modules whose classes have side effects when constructed, or give access to such classes: always refused. */
const DANGEROUS_MODULES = new Set(
  `__builtin__ _codecs _ctypes _frozen_importlib _io _operator _pickle _posixsubprocess _socket _thread _winapi antigravity
  ast asyncio atexit bdb builtins bz2 cPickle cProfile cloudpickle cmd code codecs codeop commands concurrent copy_reg copyreg ctypes
  dbm dill dis distutils doctest email ensurepip fcntl fileinput ftplib functools gc glob gzip http idlelib imaplib imp importlib inspect
  io itertools joblib lib2to3 logging lzma mailbox marshal mmap msvcrt multiprocessing nntplib nt ntpath operator os pdb pickle pickletools
  pip pkg_resources pkgutil platform popen2 poplib posix posixpath profile pty py_compile pydoc readline resource runpy sched select
  selectors setuptools shelve shutil signal site smtpd smtplib socket socketserver sqlite3 ssl subprocess sys sysconfig tarfile
  telnetlib tempfile test threading timeit tkinter trace turtle types unittest urllib uu venv webbrowser winreg wsgiref xmlrpc
  zipapp zipfile zipimport
  numpy.ctypeslib numpy.distutils numpy.f2py numpy.testing
  torch._C torch._dynamo torch._inductor torch.cpp torch.distributed torch.fx torch.hub torch.jit torch.multiprocessing torch.package
  torch.serialization torch.testing torch.utils`.split(/\s+/),
)

/** Length limit of a class name. Units: characters. */
const LONGEST = 500

/** Classes with lowercase names. */
const LOWERCASE_CLASSES =
  /^(datetime\.(date|datetime|time|timedelta|timezone)|collections\.deque|ml_dtypes\.\w+|numpy\.(\w+64|float\w+|u?int\w+))$/

/**
 * Makes the placeholder for an unknown class; undefined for refused names: functions, because a pickle would call them, and classes
 * of dangerous modules.
 */
export function opaqueClass(module: string, name: string): Global | undefined {
  const path = `${module}.${name}`
  if (path.length > LONGEST) return undefined
  if (!/^[A-Za-z_]\w*(\.\w+)*$/.test(module) || !/^\w+(\.\w+)*$/.test(name)) return undefined
  const parts = module.split('.')
  if (parts.some((_, i) => DANGEROUS_MODULES.has(parts.slice(0, i + 1).join('.')))) return undefined
  const isClass = /^_*[A-Z]/.test(name.split('.').at(-1)!) || LOWERCASE_CLASSES.test(path)
  return isClass ? { make: () => new Opaque(`an object of class ${path}`), opaque: path } : undefined
}

/** Returns a value that a caller needs. Errors: DATA_UNSAFE when it is a placeholder without items. */
export function needed(path: string, value: unknown): unknown {
  if (!(value instanceof Opaque) || value.size > 0) return value
  throw new LvmError('DATA_UNSAFE', `${path}: expected plain values but it holds ${value.what}; nothing was run`, {
    hint: 'save its state_dict() on the machine that made it',
  })
}
