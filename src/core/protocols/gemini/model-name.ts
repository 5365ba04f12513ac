/** What a model's name tells of what it accepts. */
export interface ModelTraits {
  /** 2.5, 3, 3.1, …; undefined when the name does not tell. */
  readonly version: number | undefined
  readonly pro: boolean
}

/** `gemini-2.5-flash`, `models/gemini-3-pro-preview`, `publishers/google/models/…`. Names that move with time (`gemini-flash-latest`) are the newest. */
export const traitsOf = (model: string): ModelTraits => {
  const name = model.toLowerCase()
  const told = /gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1]
  const moving = told === undefined && /gemini-.*latest/.test(name)
  return { version: moving ? 3 : told === undefined ? undefined : Number(told), pro: name.includes('pro') }
}

export const isGeneration3 = ({ version }: ModelTraits): boolean => version !== undefined && version >= 3
