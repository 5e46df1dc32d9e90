import { LvmError } from '../errors.js'
import type { Global } from './pickle-globals.js'

/**
 * Stands for an object of a class that is unknown here, or for a tensor of a kind that is not read.
 *
 * Nothing of the class is run, and its state is dropped; only the items of a subclass of dict are kept.
 */
export class Opaque extends Map<unknown, unknown> {
  constructor(
    /** What it is, in words for an error. */
    readonly what: string,
  ) {
    super()
  }
}

/** Modules of Python whose classes act when they are made, or lead to those that do: they are never kept, only refused. */
const ACTING = new Set(
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

/** Longer names are none of classes. Units: characters */
const LONGEST = 500

/** Classes that Python writes without a capital letter. */
const SMALL =
  /^(datetime\.(date|datetime|time|timedelta|timezone)|collections\.deque|ml_dtypes\.\w+|numpy\.(\w+64|float\w+|u?int\w+))$/

/**
 * A stand-in for a class that is unknown here; undefined for what must be refused: functions, which a pickle names in order to
 * call them, and classes of modules that act.
 */
export function opaqueClass(module: string, name: string): Global | undefined {
  const path = `${module}.${name}`
  if (path.length > LONGEST) return undefined
  if (!/^[A-Za-z_]\w*(\.\w+)*$/.test(module) || !/^\w+(\.\w+)*$/.test(name)) return undefined
  const parts = module.split('.')
  if (parts.some((_, i) => ACTING.has(parts.slice(0, i + 1).join('.')))) return undefined
  const isClass = /^_*[A-Z]/.test(name.split('.').at(-1)!) || SMALL.test(path)
  return isClass ? { make: () => new Opaque(`an object of class ${path}`), opaque: path } : undefined
}

/** A value that a caller needs. Errors: DATA_UNSAFE when only its class could make it. */
export function needed(path: string, value: unknown): unknown {
  if (!(value instanceof Opaque) || value.size > 0) return value
  throw new LvmError('DATA_UNSAFE', `${path}: expected plain values but it holds ${value.what}; nothing was run`, {
    hint: 'save its state_dict() where it was made',
  })
}
