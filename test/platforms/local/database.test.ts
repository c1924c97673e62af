import { describe, expect, it } from 'vitest'
import { databaseAt } from '../../../platforms/local/database.ts'
import { databaseUrl, layoutOf } from '../../../platforms/local/layout.ts'
import { Server } from './server.ts'

describe('the address of a database', () => {
  it('is shown without its password, wherever that stands', () => {
    for (const url of ['postgres://u:s3cret@h:1/db', 'postgres://u@h:1/db?password=s3cret']) {
      const database = databaseAt(url, 'X')
      expect(database.address).toBe('postgres://u@h:1/db')
      expect(database.environment).toEqual({ PGPASSWORD: 's3cret' })
      expect(database.scrub('it said s3cret')).toBe('it said ***')
      expect(database.on('other').address).toBe('postgres://u@h:1/other')
    }
  })

  it('is never shown where it is none', () => {
    for (const wrong of ['mysql://u:s3cret@h/db', 's3cret', 'postgres://u:s3cret%@h/db']) {
      expect(() => databaseAt(wrong, 'backups.a.postgres: env:X')).toThrow(
        /^backups\.a\.postgres: env:X holds no address of a PostgreSQL database; give it as postgres:\/\/user@host:5432\/name$/,
      )
    }
  })

  it('names its socket for a home that holds blanks', () => {
    const database = databaseAt(databaseUrl(layoutOf('/srv/a home'), 'db'), 'X')
    expect(database.address).toBe(
      'postgres://sluice@localhost:5432/db?host=%2Fsrv%2Fa%20home%2Fpostgres%2Frun',
    )
  })
})

describe('the supervised server', () => {
  it('has its socket in a short folder where the home has a long path', () => {
    const long = `/srv/${'long/'.repeat(30)}`
    expect(layoutOf(long).postgres.socketFolder).toMatch(/^\/tmp\/sluice-\d+-[0-9a-f]{12}$/)
    expect(layoutOf(long)).toEqual(layoutOf(long))
    expect(layoutOf(`${long}x`).postgres.socketFolder).not.toBe(
      layoutOf(long).postgres.socketFolder,
    )
  })

  it('listens on no address and keeps its data when it is set up again', async () => {
    const server = await Server.start(['orders'])
    try {
      const shown = await server.query(
        'orders',
        `select current_setting('listen_addresses') as addresses, current_setting('fsync') as fsync,
           current_setting('data_checksums') as sums, current_user as role`,
      )
      expect(shown.rows[0]).toEqual({ addresses: '', fsync: 'on', sums: 'on', role: 'sluice' })
      await server.query('orders', 'create table kept (id int)')
      await server.again(['orders', 'more'])
      expect(await server.databases()).toEqual(['more', 'orders', 'postgres'])
      expect((await server.query('orders', 'select from kept')).rowCount).toBe(0)
      expect(await server.socketMode()).toBe(0o700)
    } finally {
      await server.remove()
    }
  })
})
