//! The marshal reader.
//!
//! Comes in: marshal bytes of any producer (format versions 0 to 4) and the code object layout of one CPython version.
//! Goes out: a [`Tree`]; a `TYPE_REF` of the input is simply a second mention of the same [`NodeId`].
//!
//! What must hold: the fields of each [`Code`] have the types of their slots; no object is deeper than [`MAX_DEPTH`],
//! references followed; nothing is allocated that the input has not paid for with bytes. The reader accepts less than
//! CPython does only where no version of `marshal.dumps` writes such bytes: an object inside itself, bytes above 0x7f
//! in the ASCII types, data behind the end.
//!
//! Type codes and reference rules: `Python/marshal.c`, `r_object`. A reference index is given out when an object with
//! `FLAG_REF` *begins*, in the order of beginnings; the singletons and `TYPE_REF` itself never get one.

use super::value::{Arena, Code, FLAG_REF, MAX_DEPTH, Node, NodeId, Tree, is_surrogatepass_utf8};
use super::{Layout, MarshalError, Slot};

/// Reads exactly one code object.
pub(super) fn read<'a>(bytes: &'a [u8], layout: &'static Layout) -> Result<Tree<'a>, MarshalError> {
    if bytes.len() > i32::MAX as usize {
        return Err(MarshalError::TooLarge { size: bytes.len() });
    }
    let mut reader = Reader {
        bytes,
        offset: 0,
        layout,
        arena: Arena::default(),
        heights: Vec::new(),
        references: Vec::new(),
        pending: Vec::new(),
    };
    let root = reader.tree()?;
    let count = bytes.len() - reader.offset;
    match reader.arena.get(root) {
        _ if count > 0 => Err(MarshalError::TrailingBytes { count }),
        Node::Code(_) => Ok(Tree { arena: reader.arena, root }),
        _ => Err(MarshalError::NotCode),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    layout: &'static Layout,
    arena: Arena<'a>,
    /// By node: 1 for a leaf, else one more than the highest child.
    heights: Vec<u16>,
    /// By reference index; `None` while the object is being read.
    references: Vec<Option<NodeId>>,
    /// Complete children of the open containers, outermost container first.
    pending: Vec<NodeId>,
}

/// A container whose children are being read: those are `pending[first..]`.
struct Frame {
    kind: Kind,
    first: usize,
    /// Number of children; unknown for a dict until its end.
    wanted: Option<usize>,
    reference: Option<usize>,
}

enum Kind {
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
    Code { integers: Box<[u32]>, firstlineno: Option<u32> },
}

enum Item {
    Complete(NodeId),
    Open(Frame),
    Null,
}

impl<'a> Reader<'a> {
    fn tree(&mut self) -> Result<NodeId, MarshalError> {
        let mut open: Vec<Frame> = Vec::new();
        loop {
            let mut complete = None;
            match self.item()? {
                Item::Complete(id) => complete = Some(id),
                Item::Open(frame) if open.len() >= usize::from(MAX_DEPTH) => {
                    drop(frame);
                    return Err(self.too_deep());
                }
                Item::Open(frame) => open.push(frame),
                Item::Null => self.end_dict(open.last_mut())?,
            }
            loop {
                if let Some(id) = complete.take() {
                    if open.is_empty() {
                        return Ok(id);
                    }
                    self.pending.push(id);
                }
                let Some(mut frame) = open.pop() else { break };
                if !self.is_complete(&mut frame)? {
                    open.push(frame);
                    break;
                }
                complete = Some(self.close(frame)?);
            }
        }
    }

    fn end_dict(&self, frame: Option<&mut Frame>) -> Result<(), MarshalError> {
        if let Some(frame @ Frame { kind: Kind::Dict, .. }) = frame {
            let count = self.pending.len() - frame.first;
            if count.is_multiple_of(2) {
                frame.wanted = Some(count);
                return Ok(());
            }
        }
        Err(MarshalError::UnexpectedNull { offset: self.offset })
    }

    /// Also reads the line number of a code object, once its turn has come.
    fn is_complete(&mut self, frame: &mut Frame) -> Result<bool, MarshalError> {
        let count = self.pending.len() - frame.first;
        if let Kind::Code { firstlineno: line @ None, .. } = &mut frame.kind
            && count == self.layout.before_line.len()
        {
            *line = Some(self.long()?);
        }
        Ok(frame.wanted == Some(count))
    }

    fn close(&mut self, frame: Frame) -> Result<NodeId, MarshalError> {
        let items: Box<[NodeId]> = self.pending.drain(frame.first..).collect();
        let node = match frame.kind {
            Kind::Tuple => Node::Tuple(items),
            Kind::List => Node::List(items),
            Kind::Dict => Node::Dict(items),
            Kind::Set => Node::Set(items),
            Kind::FrozenSet => Node::FrozenSet(items),
            Kind::Code { integers, firstlineno } => {
                self.check_fields(&items)?;
                Node::Code(Box::new(Code {
                    integers,
                    firstlineno: firstlineno.unwrap_or_default(),
                    objects: items,
                }))
            }
        };
        self.finish(node, frame.reference)
    }

    fn check_fields(&self, objects: &[NodeId]) -> Result<(), MarshalError> {
        let is_str = |id: &NodeId| matches!(self.arena.get(*id), Node::Str(_));
        for (slot, id) in self.layout.slots().zip(objects) {
            let (name, fits) = match (slot, self.arena.get(*id)) {
                (Slot::Bytes(name), node) => (name, matches!(node, Node::Bytes(_))),
                (Slot::Constants(name), node) => (name, matches!(node, Node::Tuple(_))),
                (Slot::Names(name), Node::Tuple(items)) => (name, items.iter().all(is_str)),
                (Slot::Names(name), _) => (name, false),
                (Slot::Name(name), _) => (name, is_str(id)),
                (Slot::Filename, _) => ("filename", is_str(id)),
            };
            if !fits {
                return Err(MarshalError::BadField { slot: name, offset: self.offset });
            }
        }
        Ok(())
    }

    /// Adds a complete node, and enters it under its reference index.
    fn finish(&mut self, node: Node<'a>, reference: Option<usize>) -> Result<NodeId, MarshalError> {
        let below = node.children().iter().filter_map(|id| self.heights.get(id.index())).max();
        let height = below.map_or(1, |height| height.saturating_add(1));
        if height > MAX_DEPTH {
            return Err(self.too_deep());
        }
        let id = self.arena.push(node);
        self.heights.push(height);
        if let Some(entry) = reference.and_then(|index| self.references.get_mut(index)) {
            *entry = Some(id);
        }
        Ok(id)
    }

    /// Reads a leaf, or the beginning of a container.
    fn item(&mut self) -> Result<Item, MarshalError> {
        let offset = self.offset;
        let byte = self.byte()?;
        let code = byte & !FLAG_REF;
        match code {
            b'0' => return Ok(Item::Null),
            b'r' => {
                let index = self.long()?;
                let entry = usize::try_from(index).ok().and_then(|index| self.references.get(index));
                let id = entry.copied().flatten().ok_or(MarshalError::BadReference { index, offset })?;
                return Ok(Item::Complete(id));
            }
            _ => {}
        }
        let singleton = match code {
            b'N' => Some(Node::None),
            b'F' => Some(Node::False),
            b'T' => Some(Node::True),
            b'S' => Some(Node::StopIteration),
            b'.' => Some(Node::Ellipsis),
            _ => None,
        };
        if let Some(node) = singleton {
            return Ok(Item::Complete(self.finish(node, None)?));
        }
        let reference = (byte & FLAG_REF != 0).then_some(self.references.len());
        if reference.is_some() {
            self.references.push(None);
        }
        let (kind, wanted) = match code {
            b')' => (Kind::Tuple, Some(usize::from(self.byte()?))),
            b'(' => (Kind::Tuple, Some(self.size()?)),
            b'[' => (Kind::List, Some(self.size()?)),
            b'<' => (Kind::Set, Some(self.size()?)),
            b'>' => (Kind::FrozenSet, Some(self.size()?)),
            b'{' => (Kind::Dict, None),
            b'c' => {
                let integers = (0..self.layout.integers).map(|_| self.long()).collect::<Result<_, _>>()?;
                (Kind::Code { integers, firstlineno: None }, Some(self.layout.slot_count()))
            }
            _ => {
                let node = self.leaf(code, offset)?;
                return Ok(Item::Complete(self.finish(node, reference)?));
            }
        };
        // Each child takes at least a byte.
        if wanted.is_some_and(|count| count > self.bytes.len() - self.offset) {
            return Err(MarshalError::Truncated { offset: self.bytes.len() });
        }
        Ok(Item::Open(Frame { kind, first: self.pending.len(), wanted, reference }))
    }

    fn leaf(&mut self, code: u8, offset: usize) -> Result<Node<'a>, MarshalError> {
        Ok(match code {
            b'i' => Node::Int(self.long()?.cast_signed()),
            b'I' => Node::from_i64(i64::from_le_bytes(self.array()?)),
            b'l' => self.integer()?,
            b'f' => Node::Float(self.decimal()?),
            b'g' => Node::Float(u64::from_le_bytes(self.array()?)),
            b'x' => Node::Complex(self.decimal()?, self.decimal()?),
            b'y' => Node::Complex(u64::from_le_bytes(self.array()?), u64::from_le_bytes(self.array()?)),
            b's' => Node::Bytes(self.sized_bytes()?),
            b'u' | b't' => {
                let text = self.sized_bytes()?;
                self.string(text, is_surrogatepass_utf8(text))?
            }
            b'a' | b'A' => {
                let text = self.sized_bytes()?;
                self.string(text, text.is_ascii())?
            }
            b'z' | b'Z' => {
                let size = usize::from(self.byte()?);
                let text = self.take(size)?;
                self.string(text, text.is_ascii())?
            }
            _ => return Err(MarshalError::UnknownType { code, offset }),
        })
    }

    fn string(&self, text: &'a [u8], valid: bool) -> Result<Node<'a>, MarshalError> {
        if valid { Ok(Node::Str(text)) } else { Err(MarshalError::BadString { offset: self.offset }) }
    }

    /// The `l` form: a digit count whose sign is that of the number, then digits in base 2^15.
    fn integer(&mut self) -> Result<Node<'a>, MarshalError> {
        let count = self.long()?.cast_signed();
        let raw = self.take((count.unsigned_abs() as usize).saturating_mul(2))?;
        let digits: Box<[u16]> = raw.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        if digits.iter().any(|digit| *digit >= 1 << 15) || digits.last() == Some(&0) {
            return Err(MarshalError::BadInteger { offset: self.offset });
        }
        Ok(Node::from_digits(count < 0, digits))
    }

    /// The textual form of a float, written by marshal versions 0 and 1: a length byte and `%.17g`.
    fn decimal(&mut self) -> Result<u64, MarshalError> {
        let size = usize::from(self.byte()?);
        let text = str::from_utf8(self.take(size)?).ok();
        let value = text.and_then(|text| text.parse::<f64>().ok());
        Ok(value.ok_or(MarshalError::BadFloat { offset: self.offset })?.to_bits())
    }

    fn sized_bytes(&mut self) -> Result<&'a [u8], MarshalError> {
        let size = self.size()?;
        self.take(size)
    }

    fn size(&mut self) -> Result<usize, MarshalError> {
        let size = self.long()?.cast_signed();
        usize::try_from(size).map_err(|_| MarshalError::NegativeSize { offset: self.offset })
    }

    /// 32 bits, little-endian; called so in `marshal.c`.
    fn long(&mut self) -> Result<u32, MarshalError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn byte(&mut self) -> Result<u8, MarshalError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MarshalError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let array = rest.first_chunk().ok_or(MarshalError::Truncated { offset: self.bytes.len() })?;
        self.offset += N;
        Ok(*array)
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], MarshalError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = rest.get(..size).ok_or(MarshalError::Truncated { offset: self.bytes.len() })?;
        self.offset += size;
        Ok(taken)
    }

    fn too_deep(&self) -> MarshalError {
        MarshalError::TooDeep { limit: MAX_DEPTH, offset: self.offset }
    }
}
