import type { LedgerCommand, QuotaClaim } from '../../../src/core/ledger/commands.ts'

/** The ledger in BigInt and plain maps: what every command must answer and what must be in every wallet afterwards. */
export interface ModelWallet {
  credits: bigint
  debits: bigint
  pending: bigint
  lots: { readonly transfer: string; remaining: bigint; readonly expiresAt: number }[]
}

interface ModelHold {
  readonly account: string
  readonly request: string
  readonly amount: bigint
  readonly quota: QuotaClaim | undefined
  readonly tokens: bigint
  state: 'open' | 'posted' | 'voided' | 'expired'
  posted: bigint
  writtenOff: bigint
}

export interface ModelQuota {
  credits: bigint
  tokens: bigint
  requests: bigint
  creditsPending: bigint
  tokensPending: bigint
}

const least = (...values: bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a))
const biggest = BigInt(Number.MAX_SAFE_INTEGER)
const isAmount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const refused = (code: string): object => ({ refused: code })

export class LedgerModel {
  readonly wallets = new Map<string, ModelWallet>()
  readonly holds = new Map<string, ModelHold>()
  readonly quotas = new Map<string, ModelQuota>()
  /** By reference. */
  readonly #transfers = new Map<string, { readonly id: string; readonly account: string; readonly amount: bigint }>()

  open(account: string): void {
    this.wallets.set(account, { credits: 0n, debits: 0n, pending: 0n, lots: [] })
  }

  /** What the engine must answer. `answer` is what it did answer: ids of new transfers are learned from it. */
  apply(command: LedgerCommand, answer: unknown): object {
    switch (command.op) {
      case 'hold':
        return this.#hold(command)
      case 'post':
        if (!isAmount(command.amount)) return refused('internal_error')
        return this.#resolve(command.hold, 'posted', BigInt(command.amount), BigInt(command.tokens))
      case 'void':
        return this.#resolve(command.hold, command.state, 0n, 0n)
      case 'grant':
        return this.#move(`grant:${command.reference}`, command.account, command.amount, answer, (wallet, id) => {
          const lot = { transfer: id, remaining: BigInt(command.amount), expiresAt: command.expiresAt! }
          if (command.expiresAt !== null) wallet.lots.push(lot)
        })
      case 'adjust':
        return this.#move(`adjustment:${command.reference}`, command.account, command.amount, answer, (wallet) => {
          if (command.amount < 0) this.#consume(wallet, BigInt(-command.amount))
        })
      case 'reverse': {
        const charge = [...this.holds].find(([id]) => `charge:${id}` === command.transfer.slice(4))
        if (!charge || charge[1].posted === 0n) return refused('not_found')
        return this.#move(`reversal:${charge[0]}`, charge[1].account, Number(charge[1].posted), answer, () => {})
      }
      case 'expire_lot':
      case 'record':
        throw new Error('not part of the model')
    }
  }

  sweep(account: string, now: number): void {
    const wallet = this.wallets.get(account)!
    for (const lot of this.#ordered(wallet)) {
      if (lot.expiresAt > now) continue
      const amount = least(lot.remaining, this.available(wallet))
      lot.remaining -= amount
      wallet.debits += amount
    }
  }

  available(wallet: ModelWallet): bigint {
    return wallet.credits - wallet.debits - wallet.pending
  }

  #hold(command: LedgerCommand & { op: 'hold' }): object {
    if (!isAmount(command.min) || !isAmount(command.max)) return refused('internal_error')
    const wallet = this.wallets.get(command.account)!
    this.sweep(command.account, command.at)
    const known = this.holds.get(command.id)
    if (known) {
      if (known.account !== command.account || known.request !== command.requestId) return refused('conflict')
      return { ok: true, held: Number(known.amount), tokens: Number(known.tokens) }
    }
    const { quota } = command
    let most = BigInt(command.max)
    let tokens = 0n
    const min = BigInt(command.min)
    if (quota) {
      const use = this.#quota(quota.counter)
      const short = (which: string, rest: bigint): object => {
        return { ok: false, code: 'quota_exceeded', which, left: rest > 0n ? Number(rest) : 0 }
      }
      if (quota.requests !== null && use.requests + 1n > BigInt(quota.requests)) return short('requests', 0n)
      tokens = BigInt(quota.claimTokens)
      if (quota.tokens !== null) {
        const rest = BigInt(quota.tokens) - use.tokens - use.tokensPending
        if (rest < BigInt(Math.max(1, quota.minTokens))) return short('tokens', rest)
        tokens = least(tokens, rest)
      }
      if (quota.credits !== null) {
        const left = BigInt(quota.credits) - use.credits - use.creditsPending
        if (left <= 0n || left < min) return short('credits', left)
        most = least(most, left)
      }
    }
    const available = this.available(wallet)
    if (available < min) return { ok: false, code: 'insufficient_credits', available: Number(available) }
    const amount = least(most, available)
    wallet.pending += amount
    if (quota) {
      const use = this.#quota(quota.counter)
      use.requests += 1n
      use.creditsPending += amount
      use.tokensPending += tokens
    }
    const request = command.requestId
    this.holds.set(command.id, {
      account: command.account,
      request,
      amount,
      quota,
      tokens,
      state: 'open',
      posted: 0n,
      writtenOff: 0n,
    })
    return { ok: true, held: Number(amount), tokens: Number(tokens) }
  }

  #resolve(id: string, to: 'posted' | 'voided' | 'expired', cost: bigint, tokens: bigint): object {
    const hold = this.holds.get(id)
    if (!hold) return refused('not_found')
    const first = hold.state === 'open'
    if (first) {
      const wallet = this.wallets.get(hold.account)!
      hold.state = to
      hold.posted = least(cost, hold.amount + this.available(wallet))
      hold.writtenOff = cost - hold.posted
      wallet.pending -= hold.amount
      wallet.debits += hold.posted
      this.#consume(wallet, hold.posted)
      if (hold.quota) {
        const use = this.#quota(hold.quota.counter)
        use.creditsPending -= hold.amount
        use.tokensPending -= hold.tokens
        use.credits += hold.posted
        use.tokens += tokens
        if (to !== 'posted') use.requests -= 1n
      }
    }
    return { state: hold.state, first, posted: Number(hold.posted), writtenOff: Number(hold.writtenOff) }
  }

  #move(
    reference: string,
    account: string,
    signed: number,
    answer: unknown,
    done: (wallet: ModelWallet, id: string) => void,
  ): object {
    const wallet = this.wallets.get(account)!
    const known = this.#transfers.get(reference)
    if (known) {
      if (known.account !== account || known.amount !== BigInt(Number.isSafeInteger(signed) ? signed : 0)) {
        return refused('idempotency_mismatch')
      }
      return { id: known.id, first: false, available: Number(this.available(wallet)) }
    }
    if (!Number.isSafeInteger(signed) || signed === 0) return refused('invalid_request')
    if (signed < 0 && reference.startsWith('grant:')) return refused('invalid_request')
    const amount = BigInt(signed)
    if (amount > 0n && wallet.credits + amount > biggest) return refused('invalid_request')
    if (amount < 0n && this.available(wallet) < -amount) return refused('insufficient_credits')
    if (amount > 0n) wallet.credits += amount
    else wallet.debits -= amount
    const { id } = answer as { id: string }
    this.#transfers.set(reference, { id, account, amount })
    done(wallet, id)
    return { id, first: true, available: Number(this.available(wallet)) }
  }

  #consume(wallet: ModelWallet, amount: bigint): void {
    let rest = amount
    for (const lot of this.#ordered(wallet)) {
      const taken = least(rest, lot.remaining)
      lot.remaining -= taken
      rest -= taken
    }
  }

  #ordered(wallet: ModelWallet): ModelWallet['lots'] {
    return [...wallet.lots].toSorted((a, b) => a.expiresAt - b.expiresAt)
  }

  #quota(counter: string): ModelQuota {
    const known = this.quotas.get(counter)
    if (known) return known
    const made = { credits: 0n, tokens: 0n, requests: 0n, creditsPending: 0n, tokensPending: 0n }
    this.quotas.set(counter, made)
    return made
  }
}
