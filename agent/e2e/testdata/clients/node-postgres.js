// node-postgres: parameters, named statements, pages through pg-cursor, binary results.
const fs = require('fs')
const { Client } = require('pg')
const Cursor = require('pg-cursor')

const then = process.env.FORESHADOW_THEN
const neverEnds = 'SELECT count(*) FROM orders a, orders b, orders c WHERE a.id + b.id + c.id < 0'
const mistakes = ['SELECT * FROM missing', 'SELECT missing FROM orders', 'SELECT 1/0', 'SELECT id / (id - id) FROM orders', 'SELECT id FROM orders WHER id = 1', 'SELECT amount FROM salaries',
  "SELECT * FROM orders WHERE lower(total) = 'a'", "SELECT 'x'::integer FROM orders", 'SELECT nothing()']

async function connect(more) {
  const ca = process.env.PGSSLROOTCERT
  const client = new Client({ ssl: ca ? { ca: fs.readFileSync(ca), servername: 'localhost' } : false, ...more })
  client.on('error', () => {})
  await client.connect()
  return client
}

function failed(e) {
  console.log(e.constructor.name, e.severity, e.code, e.message, e.detail, e.hint, e.position)
}

function show(r) {
  for (const one of [r].flat()) {
    console.log(one.command, one.rowCount, one.fields.map((f) => [f.name, f.tableID !== 0, f.columnID, f.dataTypeID, f.dataTypeSize, f.dataTypeModifier, f.format].join(' ')))
    for (const row of one.rows) console.log(row)
  }
}

async function ask(client, ...query) {
  try {
    show(await client.query(...query))
  } catch (e) {
    failed(e)
  }
}

async function page(client) {
  await client.query('BEGIN')
  const left = client.query(new Cursor('SELECT id, total FROM orders WHERE id <= $1 ORDER BY id', [20]))
  for (let rows = await left.read(7); rows.length; rows = await left.read(7)) console.log(rows)
  await left.close()
  const failing = client.query(new Cursor('SELECT 1 / (id - 5) FROM orders ORDER BY id'))
  try {
    for (let rows = await failing.read(7); rows.length; rows = await failing.read(7)) console.log(rows.length)
  } catch (e) {
    failed(e)
  }
  await ask(client, 'SELECT count(*) FROM orders')
  await client.query('ROLLBACK')
}

async function own(client) {
  const value = async (text, ...params) => Object.values((await client.query(text, params)).rows[0])[0]
  console.log('== foreshadow')
  console.log('state:', await value('SELECT state FROM foreshadow.capture_status'))
  console.log('events now:', await value('SELECT count(*) FROM events'))
  await client.query(`SET foreshadow.as_of = '${then}'`)
  console.log('events then, by session:', await value('SELECT count(*) FROM events'))
  await client.query('RESET foreshadow.as_of')
  console.log('events then, by parameter:', await value('SELECT count(*) FROM events AS OF $1', then))
  console.log('deleted since:', await value("SELECT count(*) FROM foreshadow.change_log WHERE relation = $1 AND transaction_type = 'delete'", 'public.events'))
  await client.query('UPDATE orders SET id = 0').catch((e) => console.log('write:', e.code))
}

async function main() {
  const client = await connect()
  await ask(client, 'SELECT * FROM kinds ORDER BY id')
  await ask(client, { text: 'SELECT id, b, i2, i4, i8, f8, t, st FROM kinds WHERE id < $1 ORDER BY id', values: [10], binary: true })
  await ask(client, 'SELECT id, status, total FROM orders WHERE status = $1 AND total < $2 ORDER BY id LIMIT 3', ['paid', 9])
  await ask(client, 'SELECT id FROM kinds WHERE t = $1 AND by = $2 AND id = ANY ($3) AND tz < $4', ['Grüße, "x" \\ y', Buffer.from([0, 0xde, 0xad, 0xbe, 0xef]), [1, 2], new Date('2027-01-01T00:00:00Z')])
  await ask(client, { text: 'SELECT id, total FROM orders WHERE id < 3 ORDER BY id', rowMode: 'array' })
  await ask(client, 'SELECT count(*) FROM orders; SELECT 1 AS one')
  await ask(client, 'SELECT id FROM orders WHERE id = $1', ['x'])
  for (let i = 0; i < 10; i++) await ask(client, { name: 'by-id', text: 'SELECT id, total, status FROM orders WHERE id = $1 AND total < $2', values: [i, 1000] })
  for (const sql of mistakes) await ask(client, sql)
  for (const sql of ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT count(*) FROM orders', 'SAVEPOINT a', 'SELECT id / 0 FROM orders', 'SELECT count(*) FROM orders', 'ROLLBACK TO a', 'SELECT count(*) FROM orders', 'COMMIT'])
    await ask(client, sql)
  await page(client)
  await client.end()

  const limited = await connect({ statement_timeout: 500 })
  await ask(limited, neverEnds)
  await limited.end()
  if (then) {
    const agent = await connect()
    await own(agent)
    await agent.end()
  }
}

main().catch((e) => { console.log(e); process.exit(1) })
